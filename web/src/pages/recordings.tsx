// Recordings: what was heard, what is being heard, who spoke, and how long it is kept.
import { useEffect, useState } from "preact/hooks";
import { announce } from "../announce";
import { api } from "../api/client";
import { FINAL, type Job, type JobItem, type JobList, type SpeakerDetail, type TagItem } from "../api/types";
import { go, query } from "../router";
import { may } from "../session";
import { Button, Check, Empty, Loading, Note, PageHead } from "../ui/controls";
import { Icon } from "../ui/icons";
import { useLoaded } from "../ui/loaded";
import { NameAllAgain } from "./recordings/again";
import { Bulk } from "./recordings/bulk";
import { asked, type Filters, filtersOf, where } from "./recordings/filters";
import { RecordingRow } from "./recordings/row";
import { Tools } from "./recordings/tools";
import { hasPage, titleOf } from "./recordings/words";
import "./people.css";
import "./recordings.css";

const PAGE = 20;
const LOOK = 1500; // milliseconds between two looks at what is not done
const LOOKED_AT = 5; // jobs that are asked about at once; the others wait anyway
const HEARD = ["identify", "diarize", "label"] as const; // what people call recordings; the rest are samples and voiceprints

export function Recordings() {
  const filters = filtersOf(query.value);
  const place = where(filters);
  const { speaker } = filters;
  const [shown, setShown] = useState(PAGE);
  const [busy, setBusy] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const found = useLoaded<JobList>((signal) => pages(filters, shown, signal), [place, shown]);
  const tags = useLoaded<TagItem[]>(async (signal) => (await api.get("/v1/archive/tags", { signal })).items, []);
  const person = useLoaded<SpeakerDetail | null>(
    async (signal) => (speaker ? api.get("/v1/speakers/{speakerId}", { path: { speakerId: speaker }, signal }) : null),
    [speaker],
  );
  useEffect(() => {
    setShown(PAGE);
    setChosen(new Set());
  }, [place]);
  useEffect(() => setBusy(false), [found.value]);
  const items = found.value?.items ?? [];
  const running = useRunning(items, () => void found.reload());
  const narrowed = place !== where({ ...filtersOf(new URLSearchParams()), all: filters.all, sort: filters.sort });
  const picked = items.filter((job) => chosen.has(job.id));
  const change = (now: Partial<Filters>, replace = false) => go(where({ ...filters, ...now }), { replace });
  const again = () => {
    void found.reload();
    void tags.reload();
  };

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
        <Tools filters={filters} person={person.value} tags={tags.value ?? []} onChange={change} />
      )}
      {!found.value && !found.error && <Loading what="Loading the recordings" />}
      {found.value && !items.length && (
        <Nothing part={filters.q} name={speaker ? (person.value?.name ?? "this person") : ""} narrowed={narrowed} />
      )}
      {items.length > 0 && (
        <>
          <div class="choose-all">
            <Check
              checked={picked.length === items.length}
              onChange={(on) => setChosen(new Set(on ? items.map(({ id }) => id) : []))}
            >
              Choose all {items.length} shown
            </Check>
          </div>
          {picked.length > 0 && (
            <Bulk chosen={picked} tags={tags.value ?? []} onChanged={again} onClear={() => setChosen(new Set())} />
          )}
          <ul class="recordings card">
            {items.map((job) => (
              <RecordingRow
                key={job.id}
                job={job}
                now={running.get(job.id)}
                chosen={chosen.has(job.id)}
                onChoose={(on) =>
                  setChosen(new Set(on ? [...chosen, job.id] : [...chosen].filter((each) => each !== job.id)))
                }
                onChanged={(now) =>
                  found.set({
                    items: items.map((each) => (each.id === job.id ? { ...each, ...now } : each)),
                    nextCursor: found.value?.nextCursor ?? null,
                  })
                }
                onGone={() => void found.reload()}
              />
            ))}
          </ul>
        </>
      )}
      {(items.length > 0 || filters.all) && !speaker && (
        <p class="all-jobs small">
          <Check checked={filters.all} onChange={(all) => change({ all })}>
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
            Show more
          </Button>
        </p>
      )}
    </>
  );
}

/** So many of the first jobs, in as many requests as it takes. */
async function pages(filters: Filters, most: number, signal: AbortSignal): Promise<JobList> {
  const items: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const limit = Math.min(100, most - items.length);
    const type = filters.all ? [] : [...HEARD];
    const page: JobList = await api.get("/v2/jobs", { query: { ...asked(filters), limit, type, cursor }, signal });
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

function Nothing({ part, name, narrowed }: { part: string; name: string; narrowed: boolean }) {
  if (!narrowed)
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
      {name || part ? (
        <>
          None that is kept {name && `names ${name}`}
          {name && part && " and "}
          {part && `has “${part}” in its title`}.
        </>
      ) : (
        "None that is kept is like that."
      )}
    </Empty>
  );
}
