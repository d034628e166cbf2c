// What the gallery knows of voices, in words.
import type { Sample, Speaker } from "../../api/types";
import { count, length } from "../../times";

/** "38 s of speech in 2 samples". */
export function amount(person: Pick<Speaker, "speechSeconds" | "sampleCount">): string {
  if (!person.sampleCount) return "No sample yet";
  return `${length(Math.round(person.speechSeconds))} of speech in ${count(person.sampleCount, "sample")}`;
}

const QUIET = -45; // dBFS
const CLIPPED = 0.001; // part of the samples
const NOISY = 12; // dB
const SHORT = 10; // seconds of speech: less makes names less sure
const ONE = 80; // per cent sure that one person speaks

/** What is wrong with a sample, in two words each; nothing if it is good. Undefined where it was not measured. */
export function faults(sample: Pick<Sample, "quality" | "speechSeconds">): string[] | undefined {
  const measured = sample.quality;
  const said = [sample.speechSeconds < SHORT && "short"];
  if (measured) {
    said.push(
      measured.level < QUIET && "quiet",
      measured.clipped > CLIPPED && "too loud",
      (measured.snr ?? NOISY) < NOISY && "noisy",
      measured.singleSpeaker < ONE && "perhaps several voices",
    );
  }
  const found = said.filter((each): each is string => Boolean(each));
  return found.length || measured ? found : undefined;
}

/** Reasons for which people agree that their voice is kept; what is kept is the text. */
export const BASES = [
  "They said yes",
  "They signed a form",
  "It is part of their contract",
  "It is my own voice",
] as const;

export function today(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
