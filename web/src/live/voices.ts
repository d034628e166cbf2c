// What a live stream has told so far: voices, their names, and when each speaks. Events in, a new value out.

export type Status = "unknown" | "tentative" | "confirmed";

export interface Turn {
  start: number; // seconds of the stream's sound
  end: number | null; // null while it goes on
}

export interface LiveVoice {
  speaker: string; // SPEAKER_00
  match: string | null;
  status: Status;
  confidence: number;
  turns: Turn[];
}

export type Message =
  | { type: "diarization_speaker_start" | "diarization_speaker_end"; data: { timestamp: number; speaker: string } }
  | {
      type: "speaker_name";
      data: { speaker: string; match: string | null; status: Status; confidence: number };
    }
  | { type: "diarization_revision"; data: { start: number; end: number; speaker: string; was: string } }
  | { type: "diarization_partial"; data: { timestamp: number; speech: number } }
  | { type: "kept"; data: { jobId: string } }
  | { type: "error" | "refused"; message: string };

const LONGEST = 600; // turns of a voice that are remembered

/** Take a message; answers the voices as they are after it, those that nothing changed being the same values. */
export function told(voices: readonly LiveVoice[], message: Message): readonly LiveVoice[] {
  switch (message.type) {
    case "diarization_speaker_start":
      return changed(voices, message.data.speaker, (voice) => ({
        ...voice,
        turns: [...voice.turns.slice(-LONGEST), { start: message.data.timestamp, end: null }],
      }));
    case "diarization_speaker_end":
      return changed(voices, message.data.speaker, (voice) => ({
        ...voice,
        turns: voice.turns.map((turn) => (turn.end === null ? { ...turn, end: message.data.timestamp } : turn)),
      }));
    case "speaker_name": {
      const { speaker, match, status, confidence } = message.data;
      return changed(voices, speaker, (voice) => ({ ...voice, match, status, confidence }));
    }
    case "diarization_revision": {
      const { start, end, speaker, was } = message.data;
      const same = (turn: Turn) => Math.abs(turn.start - start) < 0.01;
      const taken = changed(voices, was, (voice) => ({ ...voice, turns: voice.turns.filter((turn) => !same(turn)) }));
      const given = changed(taken, speaker, (voice) => ({
        ...voice,
        turns: [...voice.turns, { start, end }].sort((one, other) => one.start - other.start),
      }));
      return given.filter((voice) => voice.turns.length || voice.match);
    }
    default:
      return voices;
  }
}

function changed(
  voices: readonly LiveVoice[],
  speaker: string,
  change: (voice: LiveVoice) => LiveVoice,
): readonly LiveVoice[] {
  if (voices.some((voice) => voice.speaker === speaker))
    return voices.map((voice) => (voice.speaker === speaker ? change(voice) : voice));
  return [...voices, change({ speaker, match: null, status: "unknown", confidence: 0, turns: [] })];
}

/** Whether a voice speaks now. */
export function speaks(voice: LiveVoice): boolean {
  return voice.turns.at(-1)?.end === null;
}

/** Seconds that a voice has spoken, up to now. */
export function spoken(voice: LiveVoice, now: number): number {
  return voice.turns.reduce((sum, turn) => sum + Math.max(0, (turn.end ?? now) - turn.start), 0);
}
