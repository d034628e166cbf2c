// The sample conversation as a result of the API: what is said in it, and who says it.
import rttm from "../../samples/conversation.rttm?raw";
import type { Job, Output } from "../src/api/types";

export const SECONDS = 118.85;

/** Who says what when, by name. */
export const SPOKEN = rttm
  .trim()
  .split("\n")
  .map((line) => {
    const [, , , start, duration, , , name = ""] = line.split(" ");
    return { name, start: Number(start), end: Number(start) + Number(duration) };
  });

export const LABELS: Record<string, string> = {
  Ada: "SPEAKER_00",
  Ben: "SPEAKER_01",
  Callum: "SPEAKER_02",
  Dan: "SPEAKER_03",
};

export function job(output: Output, duration = SECONDS): Job {
  const moment = "2026-10-03T10:15:00.000Z";
  return {
    jobId: "01a204d8-4080-7582-bf10-4afd2381dc41",
    type: "identify",
    status: "succeeded",
    model: "base",
    createdAt: moment,
    updatedAt: moment,
    duration,
    progress: 1,
    hasAudio: true,
    hasVoices: true,
    revision: 0,
    kept: false,
    stays: false,
    tags: [],
    source: "api",
    output: output as NonNullable<Job["output"]>,
  };
}

/** The conversation in which these people were recognised, by name and how sure that is. */
export function conversation(known: Record<string, number> = {}): Job {
  const of = (name: string) => ({ speaker: LABELS[name] ?? "", match: name in known ? name : null });
  return job({
    diarization: SPOKEN.map(({ name, start, end }) => ({ speaker: of(name).speaker, start, end })),
    identification: SPOKEN.map(({ name, start, end }) => {
      const { speaker, match } = of(name);
      return { diarizationSpeaker: speaker, speaker: match ?? speaker, match, start, end };
    }),
    voiceprints: Object.keys(LABELS).map((name) => ({
      ...of(name),
      speakerId: name in known ? `id of ${name}` : null,
      confidence: { ...known },
    })),
  });
}
