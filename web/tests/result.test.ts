import { describe, expect, it } from "vitest";
import { hue } from "../src/pages/people/avatar";
import { type Recording, recording } from "../src/pages/result/recording";
import { marks } from "../src/pages/result/ruler";
import { Scope } from "../src/pages/result/scope";
import { inLines, withTold } from "../src/pages/result/so-far";
import { seat } from "../src/pages/result/seating";
import { folded, reworded } from "../src/pages/result/words";
import { conversation, job, LABELS, SPOKEN } from "./conversation";

describe("a ruler", () => {
  const wide = (label: string) => 7 * label.length + 4;

  it.each([
    [0, 3600, 700],
    [0, 118.85, 1000],
    [1000, 1003, 900],
    [86_000, 86_400, 320],
    [0, 400_000, 300],
    [0, 3600, 40],
  ])("from %d to %d on %d pixels has labels that do not touch", (start, end, width) => {
    const found = marks({ start, end }, width, wide);
    expect(found.length).toBeLessThan(width / 5);
    const labels = found.filter((mark) => mark.label !== null);
    for (const [place, { left, label }] of labels.entries()) {
      const next = labels[place + 1]?.left ?? width + 10;
      expect(left + wide(label ?? "")).toBeLessThan(next);
    }
    const lefts = found.map((mark) => mark.left);
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
    expect(lefts.every((left) => left >= -1e-6 && left <= width + 1e-6)).toBe(true);
  });

  it("says times as people do", () => {
    const labels = marks({ start: 0, end: 3600 }, 1000, wide).flatMap((mark) => mark.label ?? []);
    expect(labels).toEqual([
      "0:00",
      "5:00",
      "10:00",
      "15:00",
      "20:00",
      "25:00",
      "30:00",
      "35:00",
      "40:00",
      "45:00",
      "50:00",
      "55:00",
    ]);
    expect(marks({ start: 1, end: 2 }, 1000, wide)[0]?.label).toBe("0:01.0");
  });
});

describe("what is in view", () => {
  const scope = new Scope();
  scope.width = 960;
  scope.setDuration(3600);

  it("is everything, then what is zoomed into, and stays within the recording", () => {
    expect([scope.view.value, scope.zoomed]).toEqual([{ start: 0, end: 3600 }, false]);
    scope.zoom(4, 3600);
    expect(scope.view.value).toEqual({ start: 2700, end: 3600 });
    scope.move(5000);
    expect(scope.view.value.end).toBe(3600);
    scope.zoom(1e9, 3000);
    expect(scope.span).toBeCloseTo(4, 9); // 240 pixels a second
    expect(scope.shows(3000)).toBe(true);
    scope.follow(10);
    expect(scope.view.value.start).toBeCloseTo(9.6, 9);
    scope.follow(11);
    expect(scope.view.value.start).toBeCloseTo(9.6, 9); // as it is in view
    scope.zoom(1e-9);
    expect([scope.view.value, scope.zoomed]).toEqual([{ start: 0, end: 3600 }, false]);
  });
});

describe("colours", () => {
  const voices = Array.from({ length: 12 }, (_, place) => ({
    label: `SPEAKER_${place}`,
    seconds: 100 - place,
    speakerId: null as string | null,
  }));

  it("differ among the eight who talk most, whoever is named", () => {
    let seats = seat(voices);
    for (let named = 0; named < 12; named++) {
      const before = new Map(seats.hues);
      const now = voices.map((voice, place) => ({ ...voice, speakerId: place <= named ? `person ${place}` : null }));
      seats = seat(now, seats);
      expect(new Set(seats.order.slice(0, 8).map((label) => seats.hues.get(label))).size).toBe(8);
      for (const { label } of now.slice(named + 1, 8)) expect(seats.hues.get(label)).toBe(before.get(label));
    }
    // One of the eight goes, and the ninth takes its place.
    seats = seat(voices.slice(1), seats);
    expect(new Set(seats.order.slice(0, 8).map((label) => seats.hues.get(label))).size).toBe(8);
  });

  it("are those of the people's pages, where no two of them are alike", () => {
    const known = voices
      .slice(0, 3)
      .map((voice, place) => ({ ...voice, speakerId: ["a", "b", "c", "d"][place] ?? null }));
    const hues = known.map((voice) => hue(voice.speakerId ?? ""));
    const { hues: found } = seat(known);
    known.forEach((voice, place) => {
      if (hues.indexOf(hues[place] as number) === place) expect(found.get(voice.label)).toBe(hues[place]);
    });
  });
});

describe("words", () => {
  const diarization = SPOKEN.map(({ name, start, end }) => ({ speaker: LABELS[name] ?? "", start, end }));
  const said = SPOKEN.map(({ name, start, end }, place) => ({
    ...{ start: start + 0.05, end: end - 0.05, speaker: LABELS[name] ?? "" },
    text: `Turn ${place}, says ${name}.`,
  }));

  it("stand in the turn of who says them, as segments or one by one", () => {
    const texts = said.map((each) => each.text);
    const of = (output: object) => (recording(job({ diarization, ...output }), []) as Recording).turns;
    expect(of({ turnLevelTranscription: said }).map((turn) => turn.words)).toEqual(texts);
    const words = said.flatMap(({ text, start, end, speaker }) =>
      text.split(" ").map((word, place, { length }) => ({
        start: start + ((end - start) * place) / length,
        end: start + ((end - start) * (place + 1)) / length,
        ...{ speaker, text: word },
      })),
    );
    expect(of({ turnLevelTranscription: said, wordLevelTranscription: words }).map((turn) => turn.words)).toEqual(
      texts,
    );
    // Words that are few beside the segments do not take their place.
    const few = of({ turnLevelTranscription: said, wordLevelTranscription: words.slice(0, 3) });
    expect(few.map((turn) => turn.words)).toEqual(texts);
  });

  it("are none where nothing is known", () => {
    const without = recording(conversation(), []) as Recording;
    expect(without.spoken).toBe(false);
    expect(new Set(without.turns.map((turn) => turn.words))).toEqual(new Set([""]));
  });

  it("are found without regard to case and accents", () => {
    expect(folded("Zoë, CAFÉ")).toBe("zoe, cafe");
  });
});

describe("words that are written anew", () => {
  const words = ["Good", "mourning", "uh", "all."].map((text, index) => ({ text, place: 10 + index }));

  it.each<[string, Record<number, string>]>([
    ["Good mourning uh all.", {}],
    ["Good morning all.", { 11: "morning", 12: "" }],
    ["Good morning to all.", { 11: "morning", 12: "to" }],
    ["Good good mourning uh all.", { 10: "Good good" }],
    ["Very good mourning uh all of you", { 10: "Very good", 13: "all of you" }],
    ["", { 10: "", 11: "", 12: "", 13: "" }],
    ["Hello", { 10: "Hello", 11: "", 12: "", 13: "" }],
  ])("%s", (text, changed) => {
    const found = reworded(words, text);
    expect(Object.fromEntries(found.map((each) => [each.word, each.text]))).toEqual(changed);
    const after = words.map(({ text, place }) => found.find((each) => each.word === place)?.text ?? text);
    expect(after.filter(Boolean).join(" ")).toBe(text);
  });

  it("are those that were recognised or handed in, and none where only segments are known", () => {
    const output = {
      diarization: [{ speaker: "SPEAKER_00", start: 0, end: 2 }],
      wordLevelTranscription: [
        { start: 0.1, end: 0.4, text: "Good", speaker: "SPEAKER_00", word: 0, decided: false },
        { start: 0.8, end: 1.4, text: "all", speaker: "SPEAKER_00", word: 2, decided: true },
      ],
    };
    expect(recording(job(output), [])?.turns[0]?.said?.map(({ place }) => place)).toEqual([0, 2]);
    const segments = [{ start: 0.1, end: 1.4, text: "Good morning to all", speaker: "SPEAKER_00" }];
    expect(recording(job({ ...output, turnLevelTranscription: segments }), [])?.turns[0]?.said).toBeNull();
  });
});

describe("words of a recording that is still being heard", () => {
  const said = (text: string, start = 0, speaker?: string) =>
    text.split(" ").map((word, place) => ({
      start: start + place,
      end: start + place + 1,
      text: word,
      ...(speaker ? { speaker } : {}),
    }));

  it("come one after the other, and anew", () => {
    const first = withTold([], { first: 0, words: said("one two") });
    expect(withTold(first, { first: 2, words: said("three") }).map(({ text }) => text)).toEqual([
      "one",
      "two",
      "three",
    ]);
    expect(withTold(first, { first: 0, words: said("uno", 0, "SPEAKER_00") })).toEqual(said("uno", 0, "SPEAKER_00"));
  });

  it("stand in lines by who says them", () => {
    const lines = inLines([...said("Good day.", 0, "SPEAKER_00"), ...said("Yes.", 2, "SPEAKER_01"), ...said("No.", 9)]);
    expect(lines.map(({ name, start, words }) => [name, start, words])).toEqual([
      ["Voice 1", 0, "Good day."],
      ["Voice 2", 2, "Yes."],
      [null, 9, "No."],
    ]);
  });

  it("stand in lines of some sentences where nobody knows who says them", () => {
    const lines = inLines(said(Array(40).fill("Sixteen letters now.").join(" ")));
    expect(lines).toHaveLength(5);
    expect(lines.every(({ words }) => words.endsWith("now."))).toBe(true);
  });
});
