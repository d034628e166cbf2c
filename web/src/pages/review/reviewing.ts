// What is said in a review: of voices of many recordings at once, with a way back.
import { ApiError, address, api } from "../../api/client";
import type { ReviewAnswer, WaitingList, WaitingVoice } from "../../api/types";
import type { NameChoice } from "../result/deciding";

/** Somebody who is known, or somebody new; nobody we know; not that person. */
export type Said = { kind: "name"; who: NameChoice } | { kind: "reject"; speakerId: string } | { kind: "nobody" };

type Voices = readonly Pick<WaitingVoice, "jobId" | "speaker">[];

export function waiting(signal?: AbortSignal): Promise<WaitingList> {
  return api.get("/v1/review", { query: { limit: 100 }, ...(signal ? { signal } : {}) });
}

/** Say who voices are; what is known of somebody's consent is written down before anything is learned of them. */
export async function say(voices: Voices, said: Said): Promise<ReviewAnswer> {
  const about = { voices: voices.map(({ jobId, speaker }) => ({ jobId, speaker })) };
  if (said.kind !== "name") return api.post("/v1/review/decide", { body: { ...about, ...said } });
  const { speakerId, name, consent } = said.who;
  if (speakerId && consent) await api.patch("/v1/speakers/{speakerId}", { path: { speakerId }, body: { consent } });
  const who = speakerId ? { speakerId } : { name, ...(consent ? { consent } : {}) };
  return api.post("/v1/review/decide", { body: { ...about, kind: "name", ...who } });
}

/** Take back what was said, where nobody has said anything since; answer of how many voices. */
export async function takeBack(answer: ReviewAnswer): Promise<number> {
  let undone = 0;
  // The newest first: voices of one recording were decided about one after the other.
  for (const { jobId, revision } of [...answer.voices].reverse()) {
    if (!revision) continue;
    try {
      await api.post("/v1/jobs/{jobId}/decisions/undo", { path: { jobId }, body: { revision } });
      undone += 1;
    } catch (error) {
      if (!(error instanceof ApiError && (error.status === 409 || error.status === 404))) throw error;
    }
  }
  return undone;
}

/** Name all recordings again whose people have changed; `onDone` says how many are done and how many there are. */
export async function nameAllAgain(
  onDone: (done: number, all: number) => void,
  { speakerId, stopped = () => false }: { speakerId?: string; stopped?: () => boolean } = {},
): Promise<{ named: number; changed: number }> {
  let named = 0;
  let changed = 0;
  while (!stopped()) {
    const done = await api.post("/v1/review/rename", { body: { seconds: 2, ...(speakerId ? { speakerId } : {}) } });
    named += done.named;
    changed += done.changed;
    onDone(named, named + done.left);
    if (!done.left) break;
  }
  return { named, changed };
}

export function clipOf(voice: Pick<WaitingVoice, "jobId" | "speaker">): string {
  return address("/v1/jobs/{jobId}/voices/{speaker}/audio", { path: { jobId: voice.jobId, speaker: voice.speaker } });
}
