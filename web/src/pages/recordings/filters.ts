// Which recordings are shown, and in which order, as the address says it.
import type { JobStatus } from "../../api/types";

export const SORTS = { newest: "Newest first", oldest: "Oldest first", title: "By title", longest: "Longest first" };
export const STATES = { succeeded: "Heard", running: "Being heard", created: "Waiting", failed: "Failed" };

export interface Filters {
  q: string;
  speaker: string;
  tag: string;
  status: JobStatus | "";
  since: string; // a day, as 2026-11-30
  until: string; // likewise, and with it
  unnamed: boolean;
  unchecked: boolean;
  all: boolean; // voiceprints and samples of people, too
  sort: keyof typeof SORTS;
}

export function filtersOf(query: URLSearchParams): Filters {
  const text = (name: string) => query.get(name) ?? "";
  const status = text("status");
  const sort = text("sort");
  return {
    q: text("q"),
    speaker: text("speaker"),
    tag: text("tag"),
    status: status in STATES ? (status as JobStatus) : "",
    since: text("since"),
    until: text("until"),
    unnamed: query.has("unnamed"),
    unchecked: query.has("unchecked"),
    all: query.has("all"),
    sort: sort in SORTS ? (sort as Filters["sort"]) : "newest",
  };
}

export function where(filters: Filters): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value && !(name === "sort" && value === "newest")) asked.set(name, value === true ? "" : String(value));
  }
  return asked.size ? `/recordings?${asked}` : "/recordings";
}

/** How many filters are set that are not in sight at first. */
export function narrowing({ tag, status, since, until, unnamed, unchecked }: Filters): number {
  return [tag, status, since, until, unnamed, unchecked].filter(Boolean).length;
}

/** What the server is asked for. Days are those of whoever looks. */
export function asked({ q, speaker, tag, status, since, until, unnamed, unchecked, sort }: Filters) {
  return {
    q,
    speaker,
    tag,
    status: status || undefined,
    since: midnight(since, 0),
    until: midnight(until, 1),
    unnamed: unnamed || undefined,
    unchecked: unchecked || undefined,
    sort,
  };
}

function midnight(day: string, later: number): string | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + later).toISOString();
}
