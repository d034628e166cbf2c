// Results of several recordings as one file.
import { apiError } from "../../api/client";

export const TAKEN_AS: readonly (readonly [string, string])[] = [
  ["csv", "CSV, for spreadsheets"],
  ["srt", "SRT subtitles"],
  ["vtt", "WebVTT subtitles"],
  ["rttm", "RTTM"],
  ["txt", "Plain text"],
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
  if (!answer.ok) throw apiError(answer.status, await answer.text());
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = "recordings.zip";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
