// Asking for a recording to be heard as the options say.
import { api } from "../../api/client";
import { parseTags } from "../people/tags";
import { models, type Options } from "./options";

/** Answer the job's id; what is said in a transcript that came with the recording is in its result. */
export async function submit(chosen: Options, url: string, title: string, said: string | null): Promise<string> {
  const count =
    chosen.count === "exact"
      ? { numSpeakers: chosen.exact }
      : chosen.count === "range"
        ? { minSpeakers: Math.min(chosen.least, chosen.most), maxSpeakers: Math.max(chosen.least, chosen.most) }
        : {};
  const model = chosen.model ? { model: chosen.model } : {};
  const tags = parseTags(chosen.filed);
  const body = { url, title: title.slice(0, 200), tags, ...count, ...sound(chosen), ...model };
  const tagged = chosen.people === "tags" && chosen.tags.length > 0;
  const speakers = tagged ? { tags: [...chosen.tags] } : ("all" as const);
  const people = chosen.people === "nobody" ? {} : { speakers, matching: { threshold: chosen.threshold } };
  if (said !== null) {
    const job = await api.post("/v1/label", { body: { ...body, ...people, transcript: said } });
    return (job as { jobId: string }).jobId; // by a job that is there, it would be the transcript at once
  }
  const heard = { ...body, ...(await words(chosen)) };
  if (chosen.people === "nobody") return (await api.post("/v1/diarize", { body: heard })).jobId;
  return (await api.post("/v1/identify", { body: { ...heard, speakers, matching: { threshold: chosen.threshold } } }))
    .jobId;
}

function sound(chosen: Options): { channels?: "separate"; tracks?: "separate" | number } {
  if (chosen.sound === "channels") return { channels: "separate" };
  if (chosen.sound === "tracks") return { tracks: "separate" };
  return chosen.sound === "track" ? { tracks: chosen.track } : {};
}

async function words(
  chosen: Options,
): Promise<{ transcription?: true; transcriptionConfig?: { language?: string; model?: string } }> {
  if (!chosen.words || (await models()).recogniser === null) return {};
  const language = /^[a-z]{2,3}$/i.test(chosen.language) ? { language: chosen.language } : {};
  const model = chosen.recogniser ? { model: chosen.recogniser } : {};
  return { transcription: true, transcriptionConfig: { ...language, ...model } };
}
