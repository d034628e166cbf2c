// A job's output as the page shows it: voices, each with what it said, and turns in order of time.
import { type Candidate, type Job, type Output, outputOf, type Voice } from "../../api/types";
import { NO_SEATS, seat, type Seats } from "./seating";
import { type SpokenWord, wordsOf } from "./words";

export interface VoiceView {
  label: string; // SPEAKER_00: what stays when the name changes
  number: number; // what it is called by while it has no name
  index: number; // its lane, and its key
  hue: number; // of --voice-0 … --voice-7
  name: string | null;
  decided: boolean; // whether somebody said who it is, or that nobody knows
  learned: boolean; // whether it became a sample by that
  speakerId: string | null;
  confidence: number | null; // that the name is right, 0 to 100
  candidates: Candidate[]; // who it could be, the likeliest first
  seconds: number; // of its turns
  share: number; // of all speech, 0 to 1
  turns: number;
  hasClip: boolean;
}

export interface TurnView {
  index: number;
  id: string; // what decisions mean it by
  touched: boolean; // whether somebody changed it, or said who speaks
  checked: boolean;
  start: number;
  end: number;
  voice: VoiceView;
  words: string; // what is said, as far as it is known
  said: readonly SpokenWord[] | null; // its words, where they can be changed
}

export interface Recording {
  voices: VoiceView[];
  turns: TurnView[]; // by their start
  duration: number;
  spoken: boolean; // whether there are words
  seats: Seats;
}

/** What a voice is called on the page: its name, or a number. */
export function called(voice: VoiceView): string {
  return voice.name ?? `Voice ${voice.number}`;
}

export function colour(voice: VoiceView): string {
  return `var(--voice-${voice.hue})`;
}

/** The recording of a job that succeeded, its voices where they sat before; null where its output has no turns. */
export function recording(job: Job, kept: readonly Voice[], before: Seats = NO_SEATS): Recording | null {
  const output = outputOf(job) ?? {};
  const raw = spoken(output);
  if (!raw) return null;
  const labels = [
    ...new Set([...raw.map((turn) => turn.label), ...(output.voiceprints ?? []).map((each) => each.speaker)]),
  ];
  const seconds = new Map<string, number>();
  const count = new Map<string, number>();
  for (const turn of raw) {
    seconds.set(turn.label, (seconds.get(turn.label) ?? 0) + turn.end - turn.start);
    count.set(turn.label, (count.get(turn.label) ?? 0) + 1);
  }
  const all = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  const people = new Map(output.voiceprints?.map((each) => [each.speaker, each.speakerId ?? null]));
  const seats = seat(
    labels.map((label) => ({ label, seconds: seconds.get(label) ?? 0, speakerId: people.get(label) ?? null })),
    before,
  );
  const voices = seats.order.map((label, index): VoiceView => {
    const named = output.voiceprints?.find((each) => each.speaker === label);
    const own = kept.find((each) => each.speaker === label);
    const name = named?.match ?? raw.find((turn) => turn.label === label)?.match ?? null;
    return {
      label,
      number: numberOf(label) ?? index + 1,
      index,
      hue: seats.hues.get(label) ?? 0,
      name,
      decided: named?.decided ?? false,
      learned: own?.learned ?? false,
      speakerId: named?.speakerId ?? (name ? (own?.speakerId ?? null) : null),
      confidence: name ? (named?.confidence[name] ?? null) : null,
      candidates: own?.candidates ?? named?.candidates ?? [],
      seconds: seconds.get(label) ?? 0,
      share: all ? (seconds.get(label) ?? 0) / all : 0,
      turns: count.get(label) ?? 0,
      hasClip: own?.hasClip ?? false,
    };
  });
  const byLabel = new Map(voices.map((voice) => [voice.label, voice]));
  raw.sort((a, b) => a.start - b.start);
  const words = wordsOf(raw, output);
  const turns = raw.map((turn, index): TurnView => ({
    index,
    id: turn.id,
    touched: turn.touched,
    checked: turn.checked,
    start: turn.start,
    end: turn.end,
    voice: byLabel.get(turn.label) as VoiceView,
    words: words[index]?.text ?? "",
    said: words[index]?.words ?? null,
  }));
  const last = turns.reduce((end, turn) => Math.max(end, turn.end), 0);
  return { voices, turns, duration: Math.max(job.duration ?? 0, last), spoken: words.some(({ text }) => text), seats };
}

/** SPEAKER_03 → 4. */
export function numberOf(label: string): number | null {
  const digits = /_(\d+)$/.exec(label)?.[1];
  return digits === undefined ? null : Number(digits) + 1;
}

/** The recording without the voices that talk for less than this; lanes move up. */
export function withoutUnder(whole: Recording, seconds: number): Recording {
  if (!seconds) return whole;
  const voices = whole.voices.filter((voice) => voice.seconds >= seconds).map((voice, index) => ({ ...voice, index }));
  const byLabel = new Map(voices.map((voice) => [voice.label, voice]));
  const turns = whole.turns.flatMap((turn) => {
    const voice = byLabel.get(turn.voice.label);
    return voice ? [{ ...turn, voice }] : [];
  });
  return { ...whole, voices, turns };
}

interface Spoken {
  id: string;
  touched: boolean;
  checked: boolean;
  label: string;
  match: string | null;
  start: number;
  end: number;
}

function spoken(output: Output): Spoken[] | null {
  if (output.identification)
    return output.identification.map(({ diarizationSpeaker, match, start, end, turn, decided, checked }, index) => ({
      id: turn ?? String(index),
      touched: decided ?? false,
      checked: checked ?? false,
      label: diarizationSpeaker,
      match,
      start,
      end,
    }));
  return (
    output.diarization?.map(({ speaker, start, end }, index) => ({
      id: String(index),
      touched: false,
      checked: false,
      label: speaker,
      match: null,
      start,
      end,
    })) ?? null
  );
}

/** Who a voice may be: those who are likely enough, and are not another voice of this recording already. */
export function suggestions(voice: VoiceView, voices: readonly VoiceView[]): Candidate[] {
  const taken = new Set(voices.map((each) => each.speakerId));
  return voice.candidates
    .filter(({ speakerId, confidence }) => confidence >= LEAST_LIKELY && !taken.has(speakerId))
    .slice(0, MOST_SUGGESTED);
}

const LEAST_LIKELY = 10; // of 100
const MOST_SUGGESTED = 3;

/** What changed from one naming to the next, in words: "Renamed 14 turns to Ada and 3 to Ben." */
export function renamed(before: Recording, after: Recording): string {
  const names = new Map(before.voices.map((voice) => [voice.label, called(voice)]));
  const changes = after.voices.filter((voice) => names.get(voice.label) !== called(voice) && voice.turns > 0);
  const parts = changes.map(
    (voice, index) =>
      `${voice.turns} ${index ? "" : voice.turns === 1 ? "turn " : "turns "}${voice.name ? `to ${voice.name}` : "back to unknown"}`,
  );
  if (!parts.length) return "No turn was renamed.";
  return `Renamed ${parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0]}.`;
}

/** When anybody speaks, or a voice of this label does: in order of time, without overlaps. */
export function stretches({ turns }: Recording, who: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (const { start, end, voice } of turns) {
    if (who !== "speech" && voice.label !== who) continue;
    const last = found.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else found.push({ start, end });
  }
  return found;
}

/** The turn that one hears at a time: the last that began and has not ended; -1 in silence. */
export function turnAt(turns: readonly TurnView[], time: number): number {
  for (let index = began(turns, time); index >= 0; index--) {
    const turn = turns[index] as TurnView;
    if (turn.end > time) return index;
    if (time - turn.start > LONGEST_LOOK) return -1;
  }
  return -1;
}

const LONGEST_LOOK = 600; // seconds: turns that began before are not looked at

/** The last turn that began by a time; -1 if there is none. */
export function began(turns: readonly TurnView[], time: number): number {
  let low = 0;
  let high = turns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((turns[middle] as TurnView).start <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
