// Recordings with the transcripts that were added together with them.
import { isTranscript } from "../../transcript";

export interface Added {
  file: Blob;
  name: string;
  transcript?: { file: Blob; name: string };
}

/**
 * Give each transcript to the recording that is called alike (talk.mp3, talk.srt or talk.en.srt), or to the only one
 * there is; `alone` are those that belong to none.
 */
export function paired(files: readonly Added[]): { recordings: Added[]; alone: string[] } {
  const recordings = files.filter(({ name }) => !isTranscript(name)).map((each) => ({ ...each }));
  const alone: string[] = [];
  for (const transcript of files.filter(({ name }) => isTranscript(name))) {
    const free = recordings.filter((each) => !each.transcript);
    const only = recordings.length === 1 ? free[0] : undefined;
    const own = free.find(({ name }) => alike(name, transcript.name)) ?? only;
    if (own) own.transcript = { file: transcript.file, name: transcript.name };
    else alone.push(transcript.name);
  }
  return { recordings, alone };
}

function alike(recording: string, transcript: string): boolean {
  const stem = recording.replace(/\.[^.]*$/, "").toLowerCase();
  return transcript.toLowerCase().startsWith(`${stem}.`);
}
