import { describe, expect, it } from "vitest";
import { bars, edgeUnder, laneHeight, turnsWithin, turnUnder } from "../src/pages/result/lanes";
import { type Recording, recording } from "../src/pages/result/recording";
import { conversation, SECONDS, SPOKEN } from "./conversation";

const WHOLE = recording(conversation(), []) as Recording;
const ALL = { start: 0, end: SECONDS };
const SIZE = { width: 4000, height: 120 };

describe("bars", () => {
  it.each([false, true])("stand in the lane of their voice, where its turns are (with names: %s)", (labels) => {
    const drawn = bars(WHOLE, ALL, SIZE, labels);
    expect(drawn.map((bar) => bar.turn)).toEqual(WHOLE.turns);
    const lane = SIZE.height / WHOLE.voices.length;
    for (const { turn, left, top, width, height } of drawn) {
      expect((left / SIZE.width) * SECONDS).toBeCloseTo(turn.start, 6);
      expect(((left + width) / SIZE.width) * SECONDS).toBeCloseTo(turn.end, 6);
      expect(top).toBeGreaterThanOrEqual(turn.voice.index * lane);
      expect(top + height).toBeLessThanOrEqual((turn.voice.index + 1) * lane);
    }
  });

  it("are those in view alone, and begin before it where their turns do", () => {
    const view = { start: 40, end: 60 };
    const drawn = bars(WHOLE, view, SIZE, false);
    const expected = SPOKEN.flatMap((turn, index) => (turn.end >= view.start && turn.start <= view.end ? [index] : []));
    expect(drawn.map((bar) => bar.turn.index)).toEqual(expected);
    expect(drawn[0]?.left).toBeLessThan(0);
  });

  it("are seen however short their turns are", () => {
    expect(Math.min(...bars(WHOLE, ALL, { width: 20, height: 120 }, false).map((bar) => bar.width))).toBe(2);
  });
});

describe("the turn under a point", () => {
  it("is the one whose bar is there", () => {
    for (const { turn, left, top, width, height } of bars(WHOLE, ALL, SIZE, false))
      for (const part of [0.01, 0.5, 0.99]) {
        const point = { x: left + part * width, y: top + height / 2 };
        expect(turnUnder(WHOLE, ALL, { ...point, ...SIZE })).toBe(turn);
      }
  });

  it("is a near one, and none where nobody speaks", () => {
    const [first] = bars(WHOLE, ALL, SIZE, false);
    const x = first?.left ?? 0;
    expect(turnUnder(WHOLE, ALL, { x: x - 3, y: 5, ...SIZE })).toBe(first?.turn);
    expect(turnUnder(WHOLE, ALL, { x: x - 10, y: 5, ...SIZE })).toBeNull();
    expect(turnUnder(WHOLE, ALL, { x, y: SIZE.height - 5, ...SIZE })).toBeNull();
  });

  it("is the shorter one of two", () => {
    const [ada] = WHOLE.voices;
    if (!ada) throw new Error("nobody speaks");
    const untouched = { touched: false, checked: false, voice: ada, words: "", said: null };
    const turns = [
      { ...untouched, index: 0, id: "0", start: 0, end: 10 },
      { ...untouched, index: 1, id: "1", start: 4, end: 5 },
    ];
    const two = { ...WHOLE, voices: [ada], turns, duration: 10 };
    const under = (x: number) => turnUnder(two, { start: 0, end: 10 }, { x, y: 5, width: 1000, height: 10 })?.index;
    expect([100, 450, 900].map(under)).toEqual([0, 1, 0]);
  });
});

describe("an area", () => {
  it("has the turns whose bars are in it", () => {
    const [one, two] = WHOLE.voices;
    const within = (times: [number, number], heights: [number, number]) => turnsWithin(WHOLE, { times, heights });
    expect(within([0, SECONDS], [0, 1])).toEqual(WHOLE.turns.map((turn) => turn.id));
    const top = within([SECONDS, 0], [0.3, 0.1]); // from right to left, and upwards
    expect(top).toEqual(WHOLE.turns.filter(({ voice }) => voice === one || voice === two).map((turn) => turn.id));
    const some = within([40, 60], [-1, 0.2]);
    expect(some).toEqual(WHOLE.turns.filter((t) => t.voice === one && t.start < 60 && t.end > 40).map((t) => t.id));
  });
});

describe("an edge", () => {
  const [first] = WHOLE.turns;
  if (!first) throw new Error("nobody speaks");
  const scale = SIZE.width / (ALL.end - ALL.start);
  const y = (first.voice.index + 0.5) * (SIZE.height / WHOLE.voices.length);
  const under = (x: number, selected: string[]) =>
    edgeUnder(WHOLE, ALL, { x, y, ...SIZE }, new Set(selected), false)?.edge;

  it("is dragged where its turn is selected, and nowhere else", () => {
    const [start, end] = [(first.start - ALL.start) * scale, (first.end - ALL.start) * scale];
    expect([start, end].map((x) => under(x, [first.id]))).toEqual(["start", "end"]);
    expect(under((start + end) / 2, [first.id])).toBeUndefined();
    expect(under(start, [])).toBeUndefined();
    expect(under(start, ["1"])).toBeUndefined();
  });
});

it("makes lanes lower the more there are, but for names", () => {
  expect([1, 6, 7, 12, 13, 50].map((voices) => laneHeight(voices, false))).toEqual([30, 30, 24, 24, 18, 18]);
  expect(new Set([1, 20].map((voices) => laneHeight(voices, true)))).toEqual(new Set([38]));
});
