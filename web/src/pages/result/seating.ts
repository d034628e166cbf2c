// Which lane and which colour a voice has: by its talk when the page is opened, and then for as long as it is open.
import { hue } from "../people/avatar";

export interface Seats {
  order: readonly string[]; // labels
  hues: ReadonlyMap<string, number>; // of --voice-0 … --voice-7, by label
}

interface Voice {
  label: string;
  seconds: number;
  speakerId: string | null;
}

export const NO_SEATS: Seats = { order: [], hues: new Map() };
export const HUES = 8;

/**
 * Seat voices: who talks most comes first, those who had a seat before keep it. The first eight differ in colour; a
 * person has the colour they have on other pages, unless another of the eight has it.
 */
export function seat(voices: readonly Voice[], before: Seats = NO_SEATS): Seats {
  const place = new Map(before.order.map((label, index) => [label, index]));
  const of = (voice: Voice) => place.get(voice.label) ?? before.order.length;
  const ordered = [...voices].sort(
    (a, b) => of(a) - of(b) || b.seconds - a.seconds || (a.label < b.label ? -1 : Number(a.label > b.label)),
  );
  const first = ordered.slice(0, HUES);
  const hues = new Map<string, number>();
  const held = (value: number, label: string) =>
    first.some((other) => other.label !== label && (hues.get(other.label) ?? before.hues.get(other.label)) === value);
  const known = first.filter((voice) => voice.speakerId);
  for (const voice of [...known, ...first.filter((voice) => !voice.speakerId)]) {
    const any = Array.from({ length: HUES }, (_, value) => value);
    const wanted = [voice.speakerId ? hue(voice.speakerId) : undefined, before.hues.get(voice.label), ...any];
    const free = wanted.filter((value) => value !== undefined && ![...hues.values()].includes(value));
    hues.set(voice.label, free.find((value) => !held(value as number, voice.label)) ?? (free[0] as number));
  }
  ordered.slice(HUES).forEach((voice, index) => hues.set(voice.label, index % HUES));
  return { order: ordered.map((voice) => voice.label), hues };
}
