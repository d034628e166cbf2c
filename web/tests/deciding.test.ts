import { describe, expect, it } from "vitest";
import type { HistoryItem } from "../src/api/types";
import { type Recording, recording, stretches } from "../src/pages/result/recording";
import { chosen, joined, moved, range, splinters, split, toggled } from "../src/pages/result/selection";
import { line, told } from "../src/pages/result/telling";
import { inView, offsets } from "../src/pages/result/window";
import { conversation, job } from "./conversation";

function shown(known: Record<string, number> = {}): Recording {
  return recording(conversation(known), []) as Recording;
}

const WHOLE = shown();
const [FIRST, SECOND] = WHOLE.turns as [Recording["turns"][0], Recording["turns"][0]];

describe("a result that people have decided about", () => {
  const output = {
    diarization: [{ speaker: "SPEAKER_00", start: 0, end: 4 }],
    identification: [
      {
        speaker: "Ada",
        diarizationSpeaker: "SPEAKER_00",
        match: "Ada",
        start: 0,
        end: 2,
        turn: "0",
        decided: true,
        checked: true,
      },
      {
        speaker: "SPEAKER_01",
        diarizationSpeaker: "SPEAKER_01",
        match: null,
        start: 2,
        end: 4,
        turn: "0.1",
        decided: true,
      },
    ],
    voiceprints: [
      { speaker: "SPEAKER_00", match: "Ada", speakerId: "id of Ada", confidence: {}, decided: true },
      { speaker: "SPEAKER_01", match: null, speakerId: null, confidence: {}, decided: false },
    ],
  };

  it("has its turns by the names that stay, and says what is by hand", () => {
    const { turns, voices } = recording(job(output, 4), []) as Recording;
    expect(turns.map(({ id, touched, checked, voice }) => [id, touched, checked, voice.label])).toEqual([
      ["0", true, true, "SPEAKER_00"],
      ["0.1", true, false, "SPEAKER_01"],
    ]);
    expect(voices.map(({ name, decided }) => [name, decided])).toEqual([
      ["Ada", true],
      [null, false],
    ]);
  });

  it("has turns by number before", () => {
    expect(WHOLE.turns.map((turn) => turn.id)).toEqual(WHOLE.turns.map((turn) => String(turn.index)));
  });
});

describe("selecting turns", () => {
  it("takes a range, whichever way round", () => {
    expect([...range(WHOLE.turns, "3", "1")]).toEqual(["1", "2", "3"]);
    expect([...range(WHOLE.turns, "gone", "1")]).toEqual(["1"]);
  });

  it("takes one more, or one less", () => {
    expect([...toggled(new Set(["1"]), "2")]).toEqual(["1", "2"]);
    expect([...toggled(new Set(["1", "2"]), "1")]).toEqual(["2"]);
  });

  it("forgets those that are gone", () => {
    expect(chosen(WHOLE, new Set(["0", "99"])).map((turn) => turn.id)).toEqual(["0"]);
  });
});

describe("what is said about turns", () => {
  it("splits inside of a turn alone", () => {
    const middle = (FIRST.start + FIRST.end) / 2;
    expect(split(FIRST, middle)).toEqual({ kind: "cut", turn: "0", at: Math.round(middle * 1000) / 1000 });
    expect(split(FIRST, FIRST.end)).toBeNull();
    expect(split(FIRST, FIRST.start - 1)).toBeNull();
  });

  it("joins several, or one with the next of its voice", () => {
    expect(joined(WHOLE, [FIRST, SECOND])?.turns).toEqual(["0", "1"]);
    const next = WHOLE.turns.find((turn) => turn.index > 0 && turn.voice === FIRST.voice);
    expect(joined(WHOLE, [FIRST])?.turns).toEqual(["0", next?.id]);
    expect(joined(WHOLE, [WHOLE.turns.at(-1) as typeof FIRST])).toBeNull();
  });

  it("moves an edge, and never over the other one", () => {
    expect(moved(FIRST, "start", FIRST.start + 0.5)).toMatchObject({ kind: "retime", turn: "0" });
    expect(moved(FIRST, "end", FIRST.start)).toBeNull();
    expect(moved(FIRST, "start", -3)).toMatchObject({ start: 0 });
  });

  it("finds splinters", () => {
    expect(splinters(WHOLE.turns)).toEqual(
      WHOLE.turns.filter((turn) => turn.end - turn.start < 0.3).map((turn) => turn.id),
    );
  });
});

it("is played without pauses, or one voice alone", () => {
  const speech = stretches(WHOLE, "speech");
  const total = speech.reduce((sum, { start, end }) => sum + end - start, 0);
  expect(speech.every(({ start }, place) => place === 0 || start > (speech[place - 1]?.end ?? 0))).toBe(true);
  expect(total).toBeLessThan(WHOLE.duration);
  const own = stretches(WHOLE, "SPEAKER_00");
  expect(own.reduce((sum, { start, end }) => sum + end - start, 0)).toBeCloseTo(WHOLE.voices[0]?.seconds ?? 0, 6);
});

describe("a long list", () => {
  it("is drawn around what is seen, wherever that is", () => {
    const rows = Array.from({ length: 5000 }, (_, row) => ({ id: String(row), words: "" }));
    const tops = offsets(rows, new Map(), 400);
    for (let top = 0; top <= 5000 * 40; top += 333) {
      const { first, last } = inView(top, 800, tops);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(last).toBeLessThanOrEqual(5000);
      expect(first).toBeLessThanOrEqual(Math.max(0, top / 40 - 15));
      expect(last).toBeGreaterThanOrEqual(Math.min(5000, (top + 800) / 40));
      expect(last - first).toBeLessThan(120);
    }
  });
});

describe("what is told", () => {
  const none = { revision: 1 };

  it.each([
    [{ kind: "name" as const, voice: "SPEAKER_00" }, {}, { Ada: 99 }, none, "Renamed 9 turns to Ada."],
    [{ kind: "name" as const, voice: "SPEAKER_00" }, { Ada: 61 }, { Ada: 61 }, none, "Confirmed: 9 turns of Ada."],
    [{ kind: "nobody" as const, voice: "SPEAKER_00" }, {}, {}, none, "Noted."],
    [{ kind: "give" as const, turns: ["0", "1"], voice: "SPEAKER_01" }, {}, {}, none, "Gave 2 turns to Voice 2."],
    [{ kind: "delete" as const, turns: ["0"] }, {}, {}, none, "Deleted 1 turn."],
    [{ kind: "cut" as const, turn: "0", at: 1.5 }, {}, {}, none, "Split the turn at 0:01.5."],
    [
      { kind: "learn" as const, voice: "SPEAKER_00", learn: true },
      { Ada: 1 },
      { Ada: 1 },
      { ...none, learned: true },
      "Ada is learned from this voice now.",
    ],
    [
      { kind: "name" as const, voice: "SPEAKER_00" },
      {},
      { Ada: 3 },
      {
        ...none,
        learned: false,
        doubt: {
          reason: "unlike" as const,
          final: false,
          message: "The voice does not sound like the person: 3 of 100.",
        },
      },
      "Renamed 9 turns to Ada. Nothing was learned of Ada: the voice does not sound like the person: 3 of 100.",
    ],
  ])("of %o is what happened", (said, before, after, made, words) => {
    expect(told(said, shown(before), shown(after), made)).toBe(words);
  });

  it("of the history says who was erased", () => {
    const at = "2026-10-03T10:15:00.000Z";
    const item = (more: Partial<HistoryItem>) => ({ revision: 1, by: null, at, kind: "name", ...more }) as HistoryItem;
    const names = new Map([["SPEAKER_00", "Voice 1"]]);
    expect(line(item({ voice: "SPEAKER_00", name: "Ada" }), names)).toBe("Voice 1 is Ada");
    expect(line(item({ voice: "SPEAKER_00", name: null }), names)).toBe("Voice 1 is somebody who was erased since");
    expect(line(item({ kind: "give", voice: "SPEAKER_00", turns: ["3"] }), names)).toBe("1 turn given to Voice 1");
  });
});
