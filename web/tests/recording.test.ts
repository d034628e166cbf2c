import { describe, expect, it } from "vitest";
import type { Voice } from "../src/api/types";
import {
  began,
  called,
  colour,
  type Recording,
  recording,
  renamed,
  suggestions,
  turnAt,
  withoutUnder,
} from "../src/pages/result/recording";
import { conversation, job, LABELS, SECONDS, SPOKEN } from "./conversation";

const SEATED = { order: Object.values(LABELS), hues: new Map<string, number>() };

function shown(known: Record<string, number> = {}, kept: readonly Voice[] = []): Recording {
  return recording(conversation(known), kept, SEATED) as Recording;
}

const WHOLE = shown();

describe("a recording", () => {
  it("has a voice a label, each with what it says", () => {
    expect(WHOLE.voices.map((voice) => voice.label)).toEqual(Object.values(LABELS));
    expect(WHOLE.voices.map((voice) => voice.index)).toEqual([0, 1, 2, 3]);
    for (const [name, label] of Object.entries(LABELS)) {
      const own = SPOKEN.filter((turn) => turn.name === name);
      const voice = WHOLE.voices.find((each) => each.label === label);
      expect(voice?.turns).toBe(own.length);
      expect(voice?.seconds).toBeCloseTo(
        own.reduce((sum, turn) => sum + turn.end - turn.start, 0),
        9,
      );
    }
    expect(WHOLE.voices.reduce((sum, voice) => sum + voice.share, 0)).toBeCloseTo(1, 9);
  });

  it("has its turns by their start, numbered, with their voices", () => {
    expect(WHOLE.turns.map((turn) => turn.index)).toEqual(SPOKEN.map((_, index) => index));
    expect(WHOLE.turns.map(({ start, end, voice }) => [start, end, voice.label])).toEqual(
      SPOKEN.map(({ start, end, name }) => [start, end, LABELS[name]]),
    );
  });

  it("names the voices that were recognised, and numbers the others", () => {
    const { voices } = shown({ Ben: 93, Dan: 61 });
    expect(voices.map(called)).toEqual(["Voice 1", "Ben", "Voice 3", "Dan"]);
    expect(voices.map((voice) => voice.confidence)).toEqual([null, 93, null, 61]);
    expect(voices.map((voice) => voice.speakerId)).toEqual([null, "id of Ben", null, "id of Dan"]);
  });

  it("lasts until the last turn ends, if that is later than the file says", () => {
    const diarization = [
      { speaker: "B", start: 4, end: 5 },
      { speaker: "A", start: 0, end: 9 },
    ];
    const made = recording(job({ diarization }, 7), []) as Recording;
    expect(made.duration).toBe(9);
    expect(made.turns.map((turn) => turn.voice.label)).toEqual(["A", "B"]);
    expect(WHOLE.duration).toBe(SECONDS);
  });

  it("begins with who talks most, and keeps its lanes as long as it is looked at", () => {
    const first = recording(conversation(), []) as Recording;
    const seconds = first.voices.map((voice) => voice.seconds);
    expect(seconds).toEqual([...seconds].sort((a, b) => b - a));
    expect(first.voices.map((voice) => voice.index)).toEqual([0, 1, 2, 3]);
    const diarization = SPOKEN.map(({ start, end }) => ({ speaker: "SPEAKER_03", start, end }));
    const later = recording(job({ diarization: [...diarization, { speaker: "SPEAKER_00", start: 0, end: 1 }] }), []);
    expect(later?.voices[0]?.label).toBe("SPEAKER_03");
    const kept = recording(job({ diarization: [...diarization, { speaker: "SPEAKER_09", start: 0, end: 1 }] }), [], {
      order: ["SPEAKER_09", "SPEAKER_03"],
      hues: new Map(),
    });
    expect(kept?.voices.map(called)).toEqual(["Voice 10", "Voice 4"]);
  });

  it("can leave out who talks little", () => {
    const [, , third] = recording(conversation(), [])?.voices ?? [];
    const all = recording(conversation(), []) as Recording;
    const some = withoutUnder(all, third?.seconds ?? 0);
    expect(some.voices.map((voice) => voice.index)).toEqual([0, 1, 2]);
    expect(some.turns.length).toBe(all.turns.length - (all.voices[3]?.turns ?? 0));
    expect(some.turns.every((turn) => all.turns[turn.index]?.id === turn.id)).toBe(true);
  });

  it("has eight colours for any number of voices", () => {
    const diarization = Array.from({ length: 12 }, (_, voice) => ({
      speaker: `SPEAKER_${String(voice).padStart(2, "0")}`,
      start: voice,
      end: voice + 1,
    }));
    const colours = recording(job({ diarization }), [])?.voices.map(colour) ?? [];
    expect(new Set(colours).size).toBe(8);
    expect(colours[9]).toBe(colours[1]);
  });

  it("is nothing where a job has no turns", () => {
    expect(recording(job({ voiceprint: "VFBS" }), [])).toBeNull();
    expect(recording(job({ diarization: [] }), [])).toMatchObject({ voices: [], turns: [], duration: SECONDS });
  });
});

describe("who a voice may be", () => {
  const candidates = [
    { speakerId: "id of Ada", name: "Ada", confidence: 88 },
    { speakerId: "id of Ben", name: "Ben", confidence: 40 },
    { speakerId: "id of Callum", name: "Callum", confidence: 30 },
    { speakerId: "id of Dan", name: "Dan", confidence: 20 },
    { speakerId: "id of Eve", name: "Eve", confidence: 10 },
    { speakerId: "id of Finn", name: "Finn", confidence: 9 },
  ];
  const kept = [{ speaker: "SPEAKER_02", candidates, hasClip: true }] as unknown as Voice[];

  it("is likely, and no other voice of the recording", () => {
    const { voices } = shown({ Ada: 97 }, kept);
    const names = voices.map((voice) => suggestions(voice, voices).map((candidate) => candidate.name));
    expect(names).toEqual([[], [], ["Ben", "Callum", "Dan"], []]);
  });

  it("is nobody who is unlikely", () => {
    const { voices } = shown({ Ada: 97, Ben: 97, Dan: 97 }, kept);
    expect(suggestions(voices[2] as (typeof voices)[0], voices).map((each) => each.name)).toEqual(["Callum", "Eve"]);
  });
});

describe("what a naming changed, in words", () => {
  it.each([
    [{}, {}, "No turn was renamed."],
    [{}, { Ada: 99 }, "Renamed 9 turns to Ada."],
    [{ Ada: 99 }, {}, "Renamed 9 turns back to unknown."],
    [{}, { Ada: 99, Dan: 80 }, "Renamed 9 turns to Ada and 9 to Dan."],
    [{ Ada: 99 }, { Ben: 99, Callum: 90 }, "Renamed 9 turns back to unknown, 8 to Ben and 8 to Callum."],
  ])("from %o to %o", (before, after, words) => {
    expect(renamed(shown(before), shown(after))).toBe(words);
  });
});

describe("the turn that one hears", () => {
  it("is the last that began and has not ended", () => {
    for (let time = 0; time < SECONDS; time += 0.07) {
      const spoken = SPOKEN.findLastIndex((turn) => turn.start <= time && turn.end > time);
      expect(turnAt(WHOLE.turns, time)).toBe(spoken);
      expect(began(WHOLE.turns, time)).toBe(SPOKEN.findLastIndex((turn) => turn.start <= time));
    }
  });

  it("is none before the first, after the last, and where nobody speaks", () => {
    expect([0.5, 7.5, SECONDS].map((time) => turnAt(WHOLE.turns, time))).toEqual([-1, -1, -1]);
    expect([turnAt([], 1), began([], 1)]).toEqual([-1, -1]);
  });
});
