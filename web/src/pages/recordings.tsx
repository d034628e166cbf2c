// Recordings: what was heard, what is being heard, who spoke, and how long it is kept.
import { useEffect, useState } from "preact/hooks";
import { announce } from "../announce";
import { api } from "../api/client";
import { FINAL, type Job, type JobItem, type JobList, type SpeakerDetail } from "../api/types";
import { go, query } from "../router";
import { may } from "../session";
import { Button, Check, Empty, Loading, Note, PageHead } from "../ui/controls";
import { Icon } from "../ui/icons";
import { useLoaded } from "../ui/loaded";
import { PersonPicker } from "./people/picker";
import { NameAllAgain } from "./recordings/again";
import { RecordingRow } from "./recordings/row";
import { hasPage, titleOf } from "./recordings/words";
import "./people.css";
import "./recordings.css";

const PAGE = 20;
const LOOK = 1500; // milliseconds between two looks at what is not done
const LOOKED_AT = 5; // jobs that are asked about at once; the others wait anyway
const PAUSE = 250;
const HEARD = ["identify", "diarize", "label"] as const; // what people call recordings; the rest are samples and voiceprints

export function Recordings() {
  const part = query.value.get("q") ?? "";
  const speaker = query.value.get("speaker") ?? "";
  const all = query.value.get("all") !== null;
  const [shown, setShown] = useState(PAGE);
  const [busy, setBusy] = useState(false);
  const found = useLoaded<JobList>((signal) => pages(part, speaker, all, shown, signal), [part, speaker, all, shown]);
  const person = useLoaded<SpeakerDetail | null>(
    async (signal) => (speaker ? api.get("/v1/speakers/{speakerId}", { path: { speakerId: speaker }, signal }) : null),
    [speaker],
  );
  useEffect(() => setShown(PAGE), [part, speaker, all]);
  useEffect(() => setBusy(false), [found.value]);
  const items = found.value?.items ?? [];
  const running = useRunning(items, () => void found.reload());
  const narrowed = Boolean(part || speaker);

  return (
    <>
      <PageHead title="Recordings" lead="What was heard, who spoke, and how long it is kept.">
        {may("jobs:write") && may("speakers:read") && items.some(({ status }) => status === "succeeded") && (
          <NameAllAgain onDone={() => void found.reload()} />
        )}
        {may("jobs:write") && (
          <a class="button primary" href="/">
            <Icon name="plus" />
            <span>Identify a recording</span>
          </a>
        )}
      </PageHead>
      {found.error && (
        <Note kind="bad" action={<Button onClick={() => void found.reload()}>Try again</Button>}>
          {found.error}
        </Note>
      )}
      {(items.length > 0 || narrowed) && (
        <div class="recordings-tools">
          <TitleSearch value={part} onChange={(q) => go(where(q, speaker, all), { replace: true })} />
          {speaker ? (
            <p class="chosen-person">
              <span>
                With <strong>{person.value?.name ?? "somebody who is not here any more"}</strong>
              </span>
              <Button
                kind="quiet"
                small
                icon="close"
                aria-label="Show the recordings of everybody"
                onClick={() => go(where(part, "", all))}
              />
            </p>
          ) : (
            <div class="by-person">
              <PersonPicker label="Who speaks" onChoose={(chosen) => go(where(part, chosen.id, all))} />
            </div>
          )}
        </div>
      )}
      {!found.value && !found.error && <Loading what="Loading the recordings" />}
      {found.value && !items.length && (
        <Nothing part={part} name={speaker ? (person.value?.name ?? "this person") : ""} />
      )}
      {items.length > 0 && (
        <ul class="recordings card">
          {items.map((job) => (
            <RecordingRow
              key={job.id}
              job={job}
              now={running.get(job.id)}
              onChanged={(change) =>
                found.set({
                  items: items.map((each) => (each.id === job.id ? { ...each, ...change } : each)),
                  nextCursor: found.value?.nextCursor ?? null,
                })
              }
              onGone={() => void found.reload()}
            />
          ))}
        </ul>
      )}
      {(items.length > 0 || all) && !speaker && (
        <p class="all-jobs small">
          <Check checked={all} onChange={(on) => go(where(part, speaker, on))}>
            Show voiceprints and samples of people, too
          </Check>
        </p>
      )}
      {found.value?.nextCursor && (
        <p class="show-more">
          <Button
            busy={busy}
            onClick={() => {
              setBusy(true);
              setShown(shown + PAGE);
            }}
          >
            Show older ones
          </Button>
        </p>
      )}
    </>
  );
}

function where(q: string, speaker: string, all: boolean): string {
  const asked = new URLSearchParams();
  if (q) asked.set("q", q);
  if (speaker) asked.set("speaker", speaker);
  if (all) asked.set("all", "");
  return asked.size ? `/recordings?${asked}` : "/recordings";
}

/** So many of the newest jobs, in as many requests as it takes. */
async function pages(q: string, speaker: string, all: boolean, most: number, signal: AbortSignal): Promise<JobList> {
  const items: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const limit = Math.min(100, most - items.length);
    const type = all ? [] : [...HEARD];
    const page: JobList = await api.get("/v2/jobs", { query: { limit, type, q, speaker, cursor }, signal });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor && items.length < most);
  return { items, nextCursor: cursor };
}

/** How far the jobs are that have not ended; `onEnd` when one of them has. */
function useRunning(items: JobItem[], onEnd: () => void): Map<string, Job> {
  const [now, setNow] = useState(new Map<string, Job>());
  const open = items.filter((job) => !FINAL.has(job.status));
  const names = open.map((job) => job.id).join();
  useEffect(() => {
    if (!names) return;
    const own = new AbortController();
    let timer = 0;
    async function look() {
      // The oldest are done first.
      const asked = open.slice(-LOOKED_AT);
      const jobs = await Promise.all(
        asked.map((job) =>
          api.get("/v1/jobs/{jobId}", { path: { jobId: job.id }, signal: own.signal }).catch(() => null),
        ),
      );
      if (own.signal.aborted) return;
      const known = jobs.filter((job) => job !== null);
      setNow(new Map(known.map((job) => [job.jobId, job])));
      const ended = known.filter((job) => FINAL.has(job.status));
      for (const job of ended) {
        const item = open.find((each) => each.id === job.jobId);
        if (item && hasPage(item)) announce(`${titleOf(item)}: ${job.status === "succeeded" ? "done" : job.status}.`);
      }
      if (ended.length || known.length < asked.length) onEnd();
      timer = window.setTimeout(() => void look(), LOOK);
    }
    timer = window.setTimeout(() => void look(), 0);
    return () => {
      own.abort();
      clearTimeout(timer);
    };
  }, [names]);
  return now;
}

function TitleSearch({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="field search-field">
      <label for="title-search">Title</label>
      <div class="search">
        <Icon name="search" />
        <input
          id="title-search"
          type="search"
          placeholder="Part of a title"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}

function Nothing({ part, name }: { part: string; name: string }) {
  if (!part && !name)
    return (
      <Empty
        icon="list"
        title="Nothing was heard yet"
        action={
          <a class="button primary" href="/">
            Identify a recording
          </a>
        }
      >
        Recordings appear here as soon as they are sent, from this page or by the API, and stay until their time is
        over.
      </Empty>
    );
  return (
    <Empty icon="search" title="No recording was found" action={<a href="/recordings">Show all recordings</a>}>
      None that is kept {name && `names ${name}`}
      {name && part && " and "}
      {part && `has “${part}” in its title`}.
    </Empty>
  );
}
