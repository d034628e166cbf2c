// Teaching Timbre a voice: a recording goes up, a job hears it, and the person has a sample more.
import { ApiError, api } from "../../api/client";
import { follow, stageWords, upload } from "../../api/jobs";
import { type Consent, outputOf } from "../../api/types";

/** What is being done, and how far it is where that is known. */
export type OnStep = (words: string, part?: number) => void;

export interface Added {
  id: string;
  /** What to know about the recording, if there is anything. */
  warning: string;
}

export interface Draft {
  name: string;
  tags: string[];
  consent: Consent | null;
}

/** Add a person, with a recording of them if there is one. Nobody is added if it cannot be used. */
export async function addPerson(draft: Draft, recording: File | null, onStep: OnStep): Promise<Added> {
  const sample = recording && { url: await sent(recording, onStep) };
  onStep("Adding the person");
  const made = await api.post("/v1/speakers", { body: { ...draft, ...(sample ? { sample } : {}) } });
  return { id: made.id, warning: made.jobId ? await learned(made.jobId, onStep) : "" };
}

/** Add a recording of a person who is there; answer what to know about it, if there is anything. */
export async function addSample(person: string, recording: File, onStep: OnStep): Promise<string> {
  const url = await sent(recording, onStep);
  const { jobId } = await api.post("/v1/speakers/{speakerId}/samples", {
    path: { speakerId: person },
    body: { url },
  });
  return jobId ? learned(jobId, onStep) : "";
}

async function sent(recording: File, onStep: OnStep): Promise<string> {
  onStep("Sending the recording", 0);
  return upload(recording, recording.name, { onProgress: (part) => onStep("Sending the recording", part) });
}

async function learned(jobId: string, onStep: OnStep): Promise<string> {
  const job = await follow(jobId, (now) => onStep(stageWords(now), now.progress));
  if (job.status === "succeeded") {
    const ended = await api.get("/v1/jobs/{jobId}", { path: { jobId } }).catch(() => job);
    return outputOf(ended)?.warning ?? "";
  }
  if (job.status === "canceled") throw new ApiError(0, "Learning the voice was canceled.");
  throw new ApiError(0, outputOf(job)?.error ?? "The voice could not be learned.");
}
