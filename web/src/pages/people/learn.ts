// Teaching Timbre a voice: a recording goes up, a job hears it, and the person has a sample more.
import { ApiError, api } from "../../api/client";
import { follow, stageWords, upload } from "../../api/jobs";
import { type Consent, outputOf } from "../../api/types";

/** What is being done, and how far it is where that is known. */
export type OnStep = (words: string, part?: number) => void;

export interface Draft {
  name: string;
  tags: string[];
  consent: Consent | null;
}

/** The voice was not learned; the person is there all the same. */
export class VoiceRefused extends Error {
  constructor(
    message: string,
    readonly person: string,
  ) {
    super(message);
  }
}

/** Add a person, with a recording of them if there is one; answer their id. */
export async function addPerson(draft: Draft, recording: File | null, onStep: OnStep): Promise<string> {
  const sample = recording && { url: await sent(recording, onStep) };
  onStep("Adding the person");
  const made = await api.post("/v1/speakers", { body: { ...draft, ...(sample ? { sample } : {}) } });
  if (made.jobId) await learned(made.id, made.jobId, onStep);
  return made.id;
}

/** Add a recording of a person who is there; answer what to know about it, if there is anything. */
export async function addSample(person: string, recording: File, onStep: OnStep): Promise<string> {
  const url = await sent(recording, onStep);
  const { jobId } = await api.post("/v1/speakers/{speakerId}/samples", {
    path: { speakerId: person },
    body: { url },
  });
  return jobId ? learned(person, jobId, onStep) : "";
}

async function sent(recording: File, onStep: OnStep): Promise<string> {
  onStep("Sending the recording", 0);
  return upload(recording, recording.name, { onProgress: (part) => onStep("Sending the recording", part) });
}

async function learned(person: string, jobId: string, onStep: OnStep): Promise<string> {
  const job = await follow(jobId, (now) => onStep(stageWords(now), now.progress));
  if (job.status === "succeeded") {
    const ended = await api.get("/v1/jobs/{jobId}", { path: { jobId } }).catch(() => job);
    return outputOf(ended)?.warning ?? "";
  }
  if (job.status === "canceled") throw new ApiError(0, "Learning the voice was canceled.");
  throw new VoiceRefused(outputOf(job)?.error ?? "The voice could not be learned.", person);
}
