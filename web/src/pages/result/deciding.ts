// What people say about a recording: it stands from then on, and is undone and redone in the order it was said.
import { api } from "../../api/client";
import type { Consent, DecidedJob, HistoryItem, Job } from "../../api/types";
import { lost, returns } from "../../connection";

/** Somebody who is known, by id, or somebody to add. */
export interface NameChoice {
  speakerId?: string;
  name: string;
  consent?: Consent | null;
}

/** Something that is said; `kind` says what it means, see the API reference. */
export interface Said {
  kind:
    | "name"
    | "nobody"
    | "reject"
    | "join"
    | "give"
    | "cut"
    | "unite"
    | "retime"
    | "delete"
    | "learn"
    | "check"
    | "reword";
  voice?: string;
  speakerId?: string;
  name?: string;
  consent?: Consent;
  learn?: boolean;
  into?: string;
  from?: string[];
  turn?: string;
  turns?: string[];
  at?: number;
  start?: number;
  end?: number;
  checked?: boolean;
  words?: { word: number; text: string }[];
}

/** Say something about the recording as it is seen; refused if it has changed meanwhile. */
export function decide(job: Job, said: Said): Promise<DecidedJob> {
  return api.post("/v1/jobs/{jobId}/decisions", {
    path: { jobId: job.jobId },
    body: { ...said, revision: job.revision },
  });
}

export function undo(job: Job): Promise<DecidedJob> {
  return api.post("/v1/jobs/{jobId}/decisions/undo", {
    path: { jobId: job.jobId },
    body: { revision: job.revision },
  });
}

export function redo(job: Job): Promise<DecidedJob> {
  return api.post("/v1/jobs/{jobId}/decisions/redo", {
    path: { jobId: job.jobId },
    body: { revision: job.revision },
  });
}

/** Say who a voice is; what is known of their consent is written down before anything is learned of them. */
export async function name(job: Job, voice: string, { speakerId, name, consent }: NameChoice): Promise<DecidedJob> {
  if (speakerId && consent) await api.patch("/v1/speakers/{speakerId}", { path: { speakerId }, body: { consent } });
  const who = speakerId ? { speakerId } : { name, ...(consent ? { consent } : {}) };
  return decide(job, { kind: "name", voice, ...who });
}

export async function history(jobId: string): Promise<HistoryItem[]> {
  return (await api.get("/v1/jobs/{jobId}/history", { path: { jobId } })).items;
}

/** Name all voices of a recording that nobody has decided about by the people there are now. */
export function nameAgain(jobId: string): Promise<Job> {
  return api.post("/v1/jobs/{jobId}/rematch", { path: { jobId }, body: { speakers: "all" } });
}

/**
 * Tell of every change of a job while the page is seen; pages behind others would use up the few connections that
 * browsers allow, and look again when they come to the front.
 */
export function watch(jobId: string, onChange: (job: Job) => void): () => void {
  let source: EventSource | null = null;
  const open = () => {
    source?.close();
    source = null;
    if (document.visibilityState !== "visible") return;
    source = new EventSource(`/v1/jobs/${jobId}/events?revisions=true`);
    source.addEventListener("job", (event) => onChange(JSON.parse((event as MessageEvent<string>).data) as Job));
    source.addEventListener("gone", () => source?.close());
    source.onerror = () => {
      // Streams end now and then, and are opened again by the browser; whether the server is away, a question tells.
      if (document.visibilityState === "visible") void fetch("/readyz").catch(lost);
    };
  };
  const stop = returns.subscribe(open);
  document.addEventListener("visibilitychange", open);
  return () => {
    stop();
    document.removeEventListener("visibilitychange", open);
    source?.close();
  };
}
