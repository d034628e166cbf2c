// Transcripts as files: which there are, and what is in them.

export const TRANSCRIPTS = ".srt,.vtt,.json,.ctm,.stm,.txt";
const MOST = 50_000_000; // bytes

export function isTranscript(name: string): boolean {
  return TRANSCRIPTS.split(",").some((end) => name.toLowerCase().endsWith(end));
}

/** The text of a file, which is UTF-8, or UTF-16 if it says so at its beginning. */
export async function textOf(file: Blob): Promise<string> {
  if (file.size > MOST) throw new Error("A transcript may have 50 MB; cut it in two.");
  const bytes = new Uint8Array(await file.arrayBuffer());
  const little = bytes[0] === 0xff && bytes[1] === 0xfe;
  const big = bytes[0] === 0xfe && bytes[1] === 0xff;
  return new TextDecoder(little ? "utf-16le" : big ? "utf-16be" : "utf-8").decode(bytes);
}
