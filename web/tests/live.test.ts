import { expect, test } from "vitest";
import { type LiveVoice, type Message, speaks, spoken, told } from "../src/live/voices";

function after(...messages: Message[]): readonly LiveVoice[] {
  return messages.reduce(told, [] as readonly LiveVoice[]);
}

const start = (timestamp: number, speaker: string): Message => ({
  type: "diarization_speaker_start",
  data: { timestamp, speaker },
});
const end = (timestamp: number, speaker: string): Message => ({
  type: "diarization_speaker_end",
  data: { timestamp, speaker },
});

test("voices speak, stop, and have names", () => {
  const [one, other] = after(
    start(1, "SPEAKER_00"),
    { type: "speaker_name", data: { speaker: "SPEAKER_00", match: "Ada", status: "tentative", confidence: 60 } },
    end(3, "SPEAKER_00"),
    start(4, "SPEAKER_01"),
    { type: "diarization_partial", data: { timestamp: 5, speech: 90 } },
  );
  expect(one).toMatchObject({ match: "Ada", status: "tentative", turns: [{ start: 1, end: 3 }] });
  expect(one && speaks(one)).toBe(false);
  expect(other && speaks(other)).toBe(true);
  expect(other && spoken(other, 6)).toBe(2);
});

test("a turn that was another's moves, and a voice that has nothing left goes", () => {
  const voices = after(start(1, "SPEAKER_00"), end(2, "SPEAKER_00"), start(5, "SPEAKER_01"), end(6, "SPEAKER_01"), {
    type: "diarization_revision",
    data: { start: 1, end: 2, speaker: "SPEAKER_01", was: "SPEAKER_00" },
  });
  expect(voices.map((voice) => voice.speaker)).toEqual(["SPEAKER_01"]);
  expect(voices[0]?.turns.map((turn) => turn.start)).toEqual([1, 5]);
});
