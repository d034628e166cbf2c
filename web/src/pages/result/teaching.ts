// Giving voices names: the voice becomes a sample of a person, then the recording is named again by everyone known.
import { api } from "../../api/client";
import type { Consent, Job } from "../../api/types";

/** A person who is known, by id, or one to add. */
export interface NameChoice {
  speakerId?: string;
  name: string;
  consent?: Consent | null;
}

export interface Taught {
  job: Job;
  undo: () => Promise<Job>;
}

export async function teach(jobId: string, voice: string, choice: NameChoice): Promise<Taught> {
  const sample = { jobId, speaker: voice };
  const { speakerId, name, consent } = choice;
  let forget: () => Promise<unknown>;
  if (speakerId) {
    const path = { speakerId };
    if (consent) await api.patch("/v1/speakers/{speakerId}", { path, body: { consent } });
    const added = await api.post("/v1/speakers/{speakerId}/samples", { path, body: sample });
    if (!("id" in added))
      throw new Error("The voice has to be heard again first; look at the person's page in a while.");
    const samplePath = { speakerId, sampleId: added.id };
    forget = () => api.delete("/v1/speakers/{speakerId}/samples/{sampleId}", { path: samplePath });
  } else {
    const body = { name, ...(consent ? { consent } : {}), sample };
    const made = await api.post("/v1/speakers", { body });
    forget = () => api.delete("/v1/speakers/{speakerId}", { path: { speakerId: made.id } });
  }
  const job = await nameAgain(jobId);
  return {
    job,
    undo: async () => {
      await forget();
      return nameAgain(jobId);
    },
  };
}

/** Name all voices of a recording by the people there are now. */
export function nameAgain(jobId: string): Promise<Job> {
  return api.post("/v1/jobs/{jobId}/rematch", { path: { jobId }, body: { speakers: "all" } });
}

/** Make one voice of several that are one person's. */
export function join(jobId: string, into: string, from: string[]): Promise<Job> {
  return api.post("/v1/jobs/{jobId}/voices/merge", { path: { jobId }, body: { into, from } });
}
