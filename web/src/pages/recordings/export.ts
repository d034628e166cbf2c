// Results of several recordings as one file.
import { save } from "../../save";

export const TAKEN_AS: readonly (readonly [string, string])[] = [
  ["csv", "CSV, for spreadsheets"],
  ["srt", "SRT subtitles"],
  ["vtt", "WebVTT subtitles"],
  ["rttm", "RTTM"],
  ["txt", "Plain text"],
  ["docx", "Word document"],
  ["textgrid", "Praat TextGrid"],
  ["eaf", "ELAN"],
  ["audacity", "Audacity labels"],
  ["json", "JSON, all there is"],
];

/** Have the browser save a zip file of the results in some formats, and of the recordings if they are wanted. */
export async function saveExport(
  jobs: readonly string[],
  formats: readonly string[],
  recordings: boolean,
): Promise<void> {
  const answer = await fetch("/v1/archive/export", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Timbre-Web": "1" },
    credentials: "same-origin",
    body: JSON.stringify({ jobs, formats, recordings }),
  });
  await save(answer, "recordings.zip");
}
