import { describe, expect, it } from "vitest";
import { address, apiError } from "../src/api/client";
import { stageWords } from "../src/api/jobs";
import { FINAL } from "../src/api/types";

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

it("has words for every stage of a job", () => {
  expect(stageWords({ status: "created" })).toBe("Waiting for its turn");
  expect(stageWords({ status: "running", stage: "voices" })).toBe("Telling the voices apart");
  expect(stageWords({ status: "running", stage: "one that is new" })).toBe("Reading the recording");
  expect([...FINAL].sort()).toEqual(["canceled", "failed", "succeeded"]);
});
