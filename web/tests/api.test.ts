import { describe, expect, it } from "vitest";
import { address, apiError } from "../src/api/client";
import { stageWords } from "../src/api/jobs";
import { FINAL } from "../src/api/types";
import { doneWords } from "../src/pages/recordings/words";

describe("the address of a route", () => {
  it("has its places filled in, whatever the ids are", () => {
    expect(address("/v1/jobs/{jobId}/voices/{speaker}/audio", { path: { jobId: "a b", speaker: "S/0?" } })).toBe(
      "/v1/jobs/a%20b/voices/S%2F0%3F/audio",
    );
  });

  it("asks for lists by a name that comes several times, and for nothing that is not given", () => {
    const query = { q: "Ada & Ben", type: ["identify", "label"], cursor: null, tag: "", limit: 20 };
    expect(address("/v2/jobs", { query })).toBe("/v2/jobs?q=Ada+%26+Ben&type=identify&type=label&limit=20");
    expect(address("/v2/jobs", { query: { cursor: undefined } })).toBe("/v2/jobs");
  });
});

describe("the error that an answer means", () => {
  it.each([
    ['{"message": "There is no such job."}', "There is no such job."],
    ['{"message": "Invalid.", "errors": [{"field": "a", "message": "A."}, {"field": "b", "message": "B."}]}', "A.; B."],
    ["{}", "The server answered 502."],
    ["<html>Bad gateway</html>", "The server answered 502."],
    ["", "The server answered 502."],
  ])("%s", (text, message) => {
    const error = apiError(502, text);
    expect([error.status, error.message]).toEqual([502, message]);
  });
});

describe("how far a job is", () => {
  const begun = { status: "running" as const, stage: "voices", startedAt: "2026-10-03T10:15:00.000Z" };
  const at = (seconds: number, progress: number) => ({
    ...begun,
    progress,
    updatedAt: new Date(Date.parse(begun.startedAt) + 1000 * seconds).toISOString(),
  });

  it.each([
    [at(0, 0), "Telling the voices apart"],
    [at(3, 0.5), "Telling the voices apart, 50 %"], // too soon to tell
    [at(60, 0.02), "Telling the voices apart, 2 %"],
    [at(30, 0.5), "Telling the voices apart, 50 %, about 30 s left"],
    [at(60, 0.25), "Telling the voices apart, 25 %, about 3 min left"],
    [at(3600, 0.4), "Telling the voices apart, 40 %, about 1 h 30 min left"],
    [{ status: "created" as const, ahead: 0 }, "Waiting for its turn"],
    [{ status: "created" as const, ahead: 1 }, "Waiting for its turn, 1 recording before it"],
    [{ status: "created" as const, ahead: 12 }, "Waiting for its turn, 12 recordings before it"],
  ])("%o", (job, words) => {
    expect(stageWords(job)).toBe(words);
  });
});

it("has words for every stage of a job", () => {
  expect(stageWords({ status: "created" })).toBe("Waiting for its turn");
  expect(stageWords({ status: "running", stage: "voices" })).toBe("Telling the voices apart");
  expect(stageWords({ status: "running", stage: "one that is new" })).toBe("Reading the recording");
  expect([...FINAL].sort()).toEqual(["canceled", "failed", "succeeded"]);
});

it("says of a recording in which nobody speaks that there is no speech", () => {
  expect(doneWords({ type: "identify", warning: "No speech was found" })).toBe("No speech");
  expect(doneWords({ type: "identify", warning: null })).toBe("Nobody was recognised");
});
