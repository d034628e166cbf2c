import { describe, expect, it } from "vitest";
import { ago, at, bytes, clock, count, day, goneIn, length } from "../src/times";

const NOW = Date.UTC(2026, 9, 3, 10, 15);
const HOUR = 3600;

/** The moment so many seconds from now, as the API writes it. */
function from(seconds: number): string {
  return new Date(NOW + seconds * 1000).toISOString();
}

describe("clock", () => {
  it.each([
    [0, "0:00", "0:00.0"],
    [9.94, "0:09", "0:09.9"],
    [9.96, "0:09", "0:10.0"],
    [59.96, "0:59", "1:00.0"],
    [83.4, "1:23", "1:23.4"],
    [3599.96, "59:59", "1:00:00.0"],
    [3723, "1:02:03", "1:02:03.0"],
    [86_400, "24:00:00", "24:00:00.0"],
  ])("writes %d s", (seconds, whole, tenths) => {
    expect(clock(seconds)).toBe(whole);
    expect(clock(seconds, { tenths: true })).toBe(tenths);
  });

  it("reads back as what it was, to the tenth", () => {
    for (let tenth = 0; tenth < 40_000; tenth += 7) {
      const parts = clock(tenth / 10, { tenths: true })
        .split(":")
        .map(Number);
      expect(parts.slice(1).every((part) => part < 60)).toBe(true);
      expect(parts.reduce((sum, part) => sum * 60 + part, 0)).toBeCloseTo(tenth / 10, 6);
    }
  });
});

describe("length", () => {
  it.each([
    [0, "0 s"],
    [12.34, "12.3 s"],
    [19.97, "20 s"],
    [38.5, "39 s"],
    [59.6, "1 min"],
    [60, "1 min"],
    [83.4, "1 min 23 s"],
    [3599.6, "1 h"],
    [7384, "2 h 3 min"],
  ])("says %d s", (seconds, words) => {
    expect(length(seconds)).toBe(words);
  });
});

describe("ago", () => {
  it.each([
    [0, "just now"],
    [-59, "just now"],
    [45, "in a moment"],
    [-90, "1 minute ago"],
    [-3 * HOUR, "3 hours ago"],
    [-24 * HOUR, "yesterday"],
    [2 * 24 * HOUR, "in 2 days"],
    [-8 * 24 * HOUR, "last week"],
    [-400 * 24 * HOUR, "last year"],
  ])("says what is %d s away", (seconds, words) => {
    expect(ago(from(seconds), NOW)).toBe(words);
  });
});

describe("goneIn", () => {
  it.each([
    [-100, "gone in a moment"],
    [20, "gone in a moment"],
    [12 * 60, "gone in 12 min"],
    [89 * 60, "gone in 89 min"],
    [90 * 60, "gone in 2 h"],
    [21 * HOUR, "gone in 21 h"],
    [71 * HOUR, "gone in 71 h"],
    [96 * HOUR, "gone in 4 days"],
  ])("says what ends in %d s", (seconds, words) => {
    expect(goneIn(from(seconds), NOW)).toBe(words);
  });
});

it("writes days and moments as they are where one is", () => {
  const moment = new Date(2026, 9, 3, 9, 5).toISOString();
  expect(day(moment)).toBe("3 Oct 2026");
  expect(at(moment)).toBe("3 Oct 2026, 09:05");
});

it("counts in the singular and the plural", () => {
  expect([0, 1, 3, 5000].map((number) => count(number, "turn"))).toEqual([
    "0 turns",
    "1 turn",
    "3 turns",
    "5,000 turns",
  ]);
  expect([1, 2].map((number) => count(number, "person", "people"))).toEqual(["1 person", "2 people"]);
});

it("writes sizes in powers of a thousand", () => {
  const sizes = [0, 999, 1000, 1536, 25_400, 3_200_000, 47e9, 5e12];
  expect(sizes.map(bytes)).toEqual(["0 B", "999 B", "1.0 KB", "1.5 KB", "25 KB", "3.2 MB", "47 GB", "5000 GB"]);
});
