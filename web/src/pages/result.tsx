// One recording: who spoke when, to look at, to listen to, and to put right.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { announce } from "../announce";
import { ApiError, api, words } from "../api/client";
import { follow, stageWords } from "../api/jobs";
import { FINAL, type Job, outputOf, type Peaks, type Voice } from "../api/types";
import { may } from "../session";
import { length } from "../times";
import { stopClips } from "../ui/clip";
import { Button, ButtonLink, Empty, Loading, Note, Progress } from "../ui/controls";
import { tellError } from "../ui/toasts";
import { Head } from "./result/head";
import { type News, NewsNote } from "./result/news";
import { Player } from "./result/player";
import { type Recording, recording, renamed, turnAt } from "./result/recording";
import { Stage } from "./result/stage";
import { join, nameAgain, teach } from "./result/teaching";
import { Turns } from "./result/turns";
import { Voices } from "./result/voices";
import "./result.css";

const SKIP = 5; // seconds that an arrow key moves

export function Result({ job: id }: { job: string }) {
  const [job, setJob] = useState<Job | null>(null);
  const [error, setError] = useState<{ text: string; gone: boolean } | null>(null);
  const path = { jobId: id };

  useEffect(() => {
    const own = new AbortController();
    const load = async () => {
      let now = await api.get("/v1/jobs/{jobId}", { path, signal: own.signal });
      setJob(now);
      if (FINAL.has(now.status)) return;
      await follow(id, setJob, own.signal);
      now = await api.get("/v1/jobs/{jobId}", { path, signal: own.signal });
      setJob(now);
    };
    load().catch((fault: unknown) => {
      if (!own.signal.aborted)
        setError({ text: words(fault), gone: fault instanceof ApiError && fault.status === 404 });
    });
    return () => own.abort();
  }, [id]);

  if (error)
    return (
      <Empty
        whole
        icon={error.gone ? "search" : "warn"}
        title={error.gone ? "This recording is not here" : "This recording cannot be shown"}
        action={<ButtonLink href="/recordings">All recordings</ButtonLink>}
      >
        {error.text}
      </Empty>
    );
  if (!job) return <Loading what="Fetching the recording" />;
  if (!FINAL.has(job.status)) return <Underway job={job} onChange={setJob} />;
  if (job.status !== "succeeded")
    return (
      <>
        <Head job={job} onChange={setJob} turns={false} />
        <Note kind="bad" action={<ButtonLink href="/">Add another</ButtonLink>}>
          {job.status === "canceled"
            ? "This recording was canceled before it was done."
            : (outputOf(job)?.error ?? "It failed.")}
        </Note>
      </>
    );
  return <Done job={job} onChange={setJob} />;
}

function Underway({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  return (
    <>
      <Head job={job} onChange={onChange} turns={false} />
      <section class="card underway">
        <h2>{stageWords(job)}</h2>
        <Progress value={job.progress} label={stageWords(job)} />
        <p class="muted">
          {job.duration === undefined
            ? "Short recordings take seconds, hours take minutes."
            : `${length(job.duration)} to listen to. You can leave this page; it goes on without you.`}
        </p>
      </section>
    </>
  );
}

function Done({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const [voices, setVoices] = useState<Voice[]>([]);
  const [peaks, setPeaks] = useState<Peaks | null>(null);
  const [news, setNews] = useState<News | null>(null);
  const [only, setOnly] = useState<string | null>(null);
  const [version, setVersion] = useState<{ version: number; total: number } | null>(null);
  const [busy, setBusy] = useState(false);
  const zoom = useRef<(by: number) => void>(() => undefined);
  const path = { jobId: job.jobId };

  const player = useMemo(
    () => new Player(job.hasAudio ? `/v1/jobs/${job.jobId}/audio` : null),
    [job.jobId, job.hasAudio],
  );
  useEffect(() => () => player.close(), [player]);

  const shown = useMemo(() => recording(job, voices), [job, voices]);
  const now = useRef<Recording | null>(shown);
  now.current = shown;

  async function loadVoices() {
    if (!job.hasVoices) return;
    const { items } = await api.get("/v1/jobs/{jobId}/voices", { path });
    setVoices(items);
  }
  useEffect(() => {
    loadVoices().catch(tellError);
    api.get("/v1/jobs/{jobId}/peaks", { path }).then(setPeaks, () => undefined);
    if (may("speakers:read")) api.get("/v1/speakers", { query: { limit: 1 } }).then(setVersion, () => undefined);
  }, [job.jobId]);

  useKeys(player, now, zoom);

  /** Take over a job that was named anew, and say what changed: at the voice of this label, or else above all. */
  async function take(next: Job, label: string | null = null, undo: (() => Promise<Job>) | null = null) {
    const before = now.current;
    const after = recording(next, voices);
    onChange(next);
    if (before && after) {
      const names = new Map(before.voices.map((voice) => [voice.label, voice.name]));
      const changed = after.voices.filter((voice) => names.get(voice.label) !== voice.name);
      const text = renamed(before, after);
      setNews({
        text,
        label,
        labels: new Set(changed.map((voice) => voice.label)),
        undo: undo && (async () => take(await undo(), label)),
        close: () => setNews(null),
      });
      announce(text);
    }
    if (version && outputOf(next)?.gallery) setVersion({ ...version, version: outputOf(next)?.gallery?.version ?? 0 });
    await loadVoices();
  }

  async function attempt(act: () => Promise<void>) {
    setBusy(true);
    try {
      await act();
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  }

  const output = outputOf(job);
  if (!output) return <Gone job={job} onChange={onChange} />;
  if (!shown) return <Other job={job} onChange={onChange} />;

  const named = output.gallery;
  const outdated = Boolean(version && version.total > 0 && named && named.version < version.version);
  const never = Boolean(version && version.total > 0 && !named);
  return (
    <>
      <Head job={job} onChange={(next) => onChange({ ...next, output: next.output ?? job.output })} turns />
      <div class="stack">
        {output.warning && <Note kind="caution">{output.warning}</Note>}
        {!job.hasAudio && (
          <Note>
            The recording itself is no longer kept, so it cannot be played. Who spoke when stays as long as this page.
          </Note>
        )}
        <Stage
          recording={shown}
          peaks={peaks}
          player={player}
          keys={(by) => {
            zoom.current = by;
          }}
        />
        <p class="small muted keys">
          <kbd>Space</kbd> plays, <kbd>←</kbd> <kbd>→</kbd> move 5 s, <kbd>J</kbd> <kbd>K</kbd> next and previous turn,{" "}
          <kbd>+</kbd> <kbd>−</kbd> zoom
        </p>
        {(outdated || never) && job.hasVoices && may("jobs:write") && (
          <Note
            action={
              <Button
                small
                icon="refresh"
                busy={busy}
                onClick={() => attempt(async () => take(await nameAgain(job.jobId)))}
              >
                {never ? "Name the voices" : "Name again"}
              </Button>
            }
          >
            {never
              ? "Nobody was looked for in this recording. Its voices can be compared with the people you know."
              : "Your people have changed since these voices were named."}
          </Note>
        )}
        {!job.hasVoices && shown.voices.length > 0 && (
          <Note>
            The voices of this recording are not kept, so they cannot be named here. Add the recording again to name
            them.
          </Note>
        )}
        {news && news.label === null && <NewsNote news={news} />}
        <div class="result-columns">
          <Voices
            job={job.jobId}
            voices={shown.voices}
            only={only}
            news={news}
            actions={{
              canName: Boolean(job.hasVoices),
              name: async (voice, choice) => {
                stopClips();
                const taught = await teach(job.jobId, voice.label, choice);
                await take(taught.job, voice.label, taught.undo);
              },
              merge: (into, from) => attempt(async () => take(await join(job.jobId, into.label, [from.label]))),
              only: (voice) => setOnly(voice?.label ?? null),
            }}
          />
          <Turns recording={shown} player={player} only={only} changed={news?.labels ?? NOBODY} />
        </div>
      </div>
    </>
  );
}

const NOBODY: ReadonlySet<string> = new Set();

function Gone({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  return (
    <>
      <Head job={job} onChange={onChange} turns={false} />
      <Empty
        icon="clock"
        title="This result is gone"
        action={<ButtonLink href="/">Add the recording again</ButtonLink>}
      >
        Results are deleted when their time is over. Press Keep on one to have it stay.
      </Empty>
    </>
  );
}

/** A job that has no turns: it learned a voice. */
function Other({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const { speakerId: learned, warning } = outputOf(job) ?? {};
  return (
    <>
      <Head job={job} onChange={onChange} turns={false} />
      <Empty
        icon="person"
        title="This job learned a voice"
        action={learned ? <ButtonLink href={`/people/${learned}`}>Open the person</ButtonLink> : undefined}
      >
        {warning ?? "There are no turns to show."}
      </Empty>
    </>
  );
}

/** Space, arrows, J and K, plus and minus, wherever the focus is, except where keys have a meaning of their own. */
function useKeys(player: Player, now: { current: Recording | null }, zoom: { current: (by: number) => void }) {
  // Before the page is seen: who sees it may press a key.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("input:not([type=checkbox]), select, textarea, dialog, [role=menu], [role=combobox]")) return;
      if (event.key === " " && target?.closest("button, a, summary, input, label")) return;
      if (act(event.key)) event.preventDefault();
    };
    const act = (key: string): boolean => {
      const turns = now.current?.turns ?? [];
      const time = player.time.value;
      switch (key) {
        case " ":
          player.toggle();
          return true;
        case "ArrowLeft":
          player.seek(time - SKIP);
          return true;
        case "ArrowRight":
          player.seek(time + SKIP);
          return true;
        case "j":
        case "J": {
          const next = turns.find((turn) => turn.start > time + 0.05);
          if (next) player.play(next.start);
          return true;
        }
        case "k":
        case "K": {
          const here = turns[turnAt(turns, time)]?.start ?? time;
          const before = turns.findLast((turn) => turn.start < Math.min(here, time) - 0.05);
          if (before) player.play(before.start);
          return true;
        }
        case "+":
        case "=":
          zoom.current(1);
          return true;
        case "-":
          zoom.current(-1);
          return true;
        default:
          return false;
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [player]);
}
