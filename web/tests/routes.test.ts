import { expect, it } from "vitest";
import { parse } from "../src/routes";

it.each([
  ["/", { page: "identify" }],
  ["/recordings", { page: "recordings" }],
  ["/review", { page: "review" }],
  ["/people/", { page: "people" }],
  ["/settings", { page: "settings" }],
  ["/listen", { page: "listen" }],
  ["/jobs/01a2-b3", { page: "result", job: "01a2-b3" }],
  ["/people/01a2-b3", { page: "person", speaker: "01a2-b3" }],
  ["/people/a%2Fb%20c", { page: "person", speaker: "a/b c" }],
  ["/jobs", { page: "unknown" }],
  ["/people/a/b", { page: "unknown" }],
  ["/recordings/a", { page: "unknown" }],
  ["/Settings", { page: "unknown" }],
  ["/people/50%", { page: "unknown" }],
  ["/jobs/%E4", { page: "unknown" }],
])("%s", (path, route) => {
  expect(parse(path)).toEqual(route);
});
