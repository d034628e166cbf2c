import { describe, expect, it } from "vitest";
import type { MapPoint } from "../src/api/types";
import { colour, initials } from "../src/pages/people/avatar";
import { layOut, nextInDirection } from "../src/pages/people/places";
import { amount, faults } from "../src/pages/people/speech";
import { parseTags } from "../src/pages/people/tags";

it.each([
  ["Ada Lovelace", "AL"],
  ["ada", "A"],
  ["Augusta Ada King", "AK"],
  ["ada.lovelace_2", "A2"],
  ["élodie", "É"],
  ["李 明", "李明"],
  ["אדה לוין", "אל"],
  ["🎤 Ada (guest)", "AG"],
  ["--", "?"],
  ["", "?"],
])("%s has the initials %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

it("gives everybody a colour that stays, and uses all of them alike", () => {
  const ids = Array.from({ length: 700 }, (_, n) => `01a204d8-4080-7582-bf10-${n.toString(16).padStart(12, "0")}`);
  const used = new Map<string, number>();
  for (const id of ids) used.set(colour(id), (used.get(colour(id)) ?? 0) + 1);
  expect([...used.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `var(--voice-${index})`));
  for (const number of used.values()) expect(Math.abs(number - 100)).toBeLessThan(40);
});

it("takes tags between commas, each once", () => {
  expect(parseTags(" board, london ,,board, two words,")).toEqual(["board", "london", "two words"]);
  expect(parseTags(" , ")).toEqual([]);
});

it("says how much there is of a voice", () => {
  expect(amount({ speechSeconds: 0, sampleCount: 0 })).toBe("No sample yet");
  expect(amount({ speechSeconds: 19.4, sampleCount: 1 })).toBe("19 s of speech in 1 sample");
  expect(amount({ speechSeconds: 95.2, sampleCount: 3 })).toBe("1 min 35 s of speech in 3 samples");
});

describe("what is wrong with a sample", () => {
  const good = { level: -25, clipped: 0, snr: 30, singleSpeaker: 97, seconds: 25, speechSeconds: 20, advice: [] };

  it("is nothing if it is good, and not known if it was not measured", () => {
    expect(faults({ speechSeconds: 20, quality: good })).toEqual([]);
    expect(faults({ speechSeconds: 20, quality: { ...good, snr: null } })).toEqual([]);
    expect(faults({ speechSeconds: 20, quality: null })).toBeUndefined();
    expect(faults({ speechSeconds: 5, quality: null })).toEqual(["short"]);
  });

  it.each([
    [{ level: -50 }, "quiet"],
    [{ clipped: 0.01 }, "too loud"],
    [{ snr: 5 }, "noisy"],
    [{ singleSpeaker: 60 }, "perhaps several voices"],
  ])("%o", (measured, words) => {
    expect(faults({ speechSeconds: 20, quality: { ...good, ...measured } })).toEqual([words]);
  });
});

describe("the map", () => {
  const APART = 40;
  const [WIDTH, HEIGHT] = [600, 400];

  function point(name: string, x: number, y: number): MapPoint {
    return { speakerId: `id of ${name}`, name, x, y } as MapPoint;
  }

  it("keeps directions and distances", () => {
    const places = layOut([point("A", 0, 0), point("B", 2, 0), point("C", 0, 1)], WIDTH, HEIGHT, APART);
    const [a, b, c] = places as [(typeof places)[0], (typeof places)[0], (typeof places)[0]];
    expect(b.left - a.left).toBeCloseTo(2 * (a.top - c.top), 0);
    expect(Math.abs(b.top - a.top)).toBeLessThan(0.1);
    expect(places.map((place) => place.nearest)).toEqual(["C", "A", "A"]);
  });

  it("lets no point cover another or leave the map", () => {
    const crowd = Array.from({ length: 30 }, (_, n) => point(`P${n}`, (n % 3) / 100, (n % 5) / 100));
    const places = layOut([...crowd, point("Far", 5, 5)], WIDTH, HEIGHT, APART);
    for (const one of places) {
      expect(one.left).toBeGreaterThanOrEqual(APART);
      expect(one.left).toBeLessThanOrEqual(WIDTH - APART);
      expect(one.top).toBeGreaterThanOrEqual(APART);
      expect(one.top).toBeLessThanOrEqual(HEIGHT - APART);
    }
    const pairs = places.flatMap((one, index) => places.slice(index + 1).map((other) => [one, other] as const));
    const nearest = Math.min(...pairs.map(([one, other]) => Math.hypot(one.left - other.left, one.top - other.top)));
    expect(nearest).toBeGreaterThan(APART / 2);
  });

  it("writes no name over another", () => {
    const crowd = Array.from({ length: 25 }, (_, n) => point(`Somebody ${n}`, (n % 5) / 10, Math.floor(n / 5) / 10));
    const places = layOut(crowd, WIDTH, HEIGHT, APART);
    const written = places.filter((place) => !place.crowded);
    expect(written.length).toBeGreaterThan(5);
    for (const [index, one] of written.entries())
      for (const other of written.slice(index + 1)) {
        const [a, b] = [one, other].map(({ top, above }) => top + (above ? -30 : 30)) as [number, number];
        const apart = Math.abs(one.left - other.left) > 4 * (one.name.length + other.name.length);
        expect(apart || Math.abs(a - b) > 20).toBe(true);
      }
  });

  it("has one person in its middle, and nobody at all", () => {
    const [alone] = layOut([point("A", 3, -7)], WIDTH, HEIGHT, APART);
    expect(alone?.left).toBeCloseTo(WIDTH / 2, 1);
    expect(alone?.top).toBeCloseTo(HEIGHT / 2, 1);
    expect(alone?.nearest).toBe("");
    expect(layOut([], WIDTH, HEIGHT, APART)).toEqual([]);
  });

  it("is walked by arrow keys, there and back", () => {
    const cross = [point("middle", 0, 0), point("right", 2, 0), point("up", 0, 2), point("left", -2, 0)];
    const places = layOut(cross, WIDTH, HEIGHT, APART);
    const step = (from: string, by: [number, number]) => {
      const start = places.find((place) => place.name === from);
      return start && nextInDirection(places, start, by)?.name;
    };
    expect(step("middle", [1, 0])).toBe("right");
    expect(step("right", [-1, 0])).toBe("middle");
    expect(step("middle", [0, -1])).toBe("up");
    expect(step("up", [0, 1])).toBe("middle");
    expect(step("left", [-1, 0])).toBeUndefined();
  });
});
