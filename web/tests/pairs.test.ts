import { describe, expect, it } from "vitest";
import { paired } from "../src/pages/identify/pairs";

function names(...files: string[]) {
  const { recordings, alone } = paired(files.map((name) => ({ name, file: new Blob([name]) })));
  return { recordings: recordings.map(({ name, transcript }) => [name, transcript?.name ?? null]), alone };
}

describe("recordings and transcripts that are added together", () => {
  it("belong together when they are called alike", () => {
    expect(names("Talk.mp3", "talk.en.srt", "other.wav", "OTHER.JSON", "third.ogg")).toEqual({
      recordings: [
        ["Talk.mp3", "talk.en.srt"],
        ["other.wav", "OTHER.JSON"],
        ["third.ogg", null],
      ],
      alone: [],
    });
  });

  it("or when there is one of each", () => {
    expect(names("words.vtt", "talk.mp3")).toEqual({ recordings: [["talk.mp3", "words.vtt"]], alone: [] });
  });

  it("and those that belong to none are told", () => {
    expect(names("a.mp3", "b.mp3", "c.srt").alone).toEqual(["c.srt"]);
    expect(names("c.srt")).toEqual({ recordings: [], alone: ["c.srt"] });
    expect(names("a.mp3", "a.srt", "a.vtt").alone).toEqual(["a.vtt"]);
  });
});
