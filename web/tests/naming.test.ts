import { describe, expect, it } from "vitest";
import type { Speaker } from "../src/api/types";
import { thresholdWords } from "../src/pages/identify/options";
import { offers } from "../src/pages/result/offers";
import { likelihood } from "../src/ui/confidence";

function person(name: string, agreed = true): Speaker {
  return {
    id: `id of ${name}`,
    name,
    consent: agreed ? { basis: "They said yes", date: null, note: null } : null,
  } as Speaker;
}

describe("who is offered", () => {
  const found = [person("Ada"), person("Ben", false), person("Callum")];
  const candidates = [
    { speakerId: "id of Dan", name: "Dan", confidence: 75 },
    { speakerId: "id of Ben", name: "Ben", confidence: 12 },
  ];

  it("begins with whom the voice sounds like, while nothing is typed", () => {
    expect(offers("", found, candidates)).toEqual([
      { id: "id of Dan", name: "Dan", hint: "likely", consented: null },
      { id: "id of Ben", name: "Ben", hint: "unlikely", consented: false },
      { id: "id of Ada", name: "Ada", hint: "", consented: true },
      { id: "id of Callum", name: "Callum", hint: "", consented: true },
    ]);
  });

  it("is who was found for what is typed, with how likely it is them", () => {
    const named = offers("e", found, candidates).map(({ name, hint }) => [name, hint]);
    expect(named).toEqual([
      ["Ada", ""],
      ["Ben", "unlikely"],
      ["Callum", ""],
    ]);
  });
});

it("has a word for every confidence", () => {
  const words = [100, 90, 89, 70, 69, 40, 39, 0].map(likelihood);
  expect(words).toEqual([
    ...["very likely", "very likely", "likely", "likely"],
    ...["maybe", "maybe", "unlikely", "unlikely"],
  ]);
});

it("says what a threshold means, differently from step to step", () => {
  expect(new Set([100, 85, 50, 20, 0].map(thresholdWords)).size).toBe(5);
});
