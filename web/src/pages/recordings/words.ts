// Jobs in words.
import type { JobItem } from "../../api/types";

const UNTITLED: Record<string, string> = {
  voiceprint: "A voiceprint",
  enrol: "A sample of a person",
};
const DONE: Record<string, string> = {
  diarize: "Voices told apart",
  identify: "Nobody was recognised",
  label: "Transcript labelled",
  voiceprint: "Voice learned",
  enrol: "Sample learned",
};

export function titleOf(job: Pick<JobItem, "title" | "type">): string {
  return job.title || UNTITLED[job.type ?? ""] || "Recording without a title";
}

const NO_SPEECH = "No speech was found"; // as the server warns

export function doneWords(job: Pick<JobItem, "type" | "warning">): string {
  if (job.warning?.includes(NO_SPEECH)) return "No speech";
  return DONE[job.type ?? ""] ?? "Done";
}

/** Whether there is a page that shows what became of it. */
export function hasPage(job: Pick<JobItem, "type">): boolean {
  return job.type === "diarize" || job.type === "identify" || job.type === "label";
}
