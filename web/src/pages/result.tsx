// One recording: who spoke when, to look at, to listen to, and to put right.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { announce } from "../announce";
import { ApiError, api, words } from "../api/client";
import { follow } from "../api/jobs";
import {
  type DecidedJob,
  FINAL,
  type HistoryItem,
  type Job,
  outputOf,
  type Peaks,
  type Voice,
  type WordSoFar,
} from "../api/types";
import { notify } from "../notify";
import { may } from "../session";
import { stopClips } from "../ui/clip";
import { Button, ButtonLink, Empty, Loading, Note } from "../ui/controls";
import { tellError } from "../ui/toasts";
import { decide, history, name, nameAgain, redo, type Said, undo, watch } from "./result/deciding";
import { type Edits, Keys } from "./result/editing";
import { Head, titleOf } from "./result/head";
import { History } from "./result/history";
import { type Keyboard, useKeyboard } from "./result/keyboard";
import { type Action, type News, NewsNote } from "./result/news";
import { Player } from "./result/player";
import { type Recording, recording, renamed, type TurnView, withoutUnder } from "./result/recording";
import { Rewording } from "./result/rewording";
import { Scope, STEP } from "./result/scope";
import { NO_SEATS } from "./result/seating";
import { moved } from "./result/selection";
import { withTold } from "./result/so-far";
import { Stage } from "./result/stage";
import { stepped, told } from "./result/telling";
import { Transport, zoomBy } from "./result/transport";
import { Turns } from "./result/turns";
import { Underway } from "./result/underway";
import { Voices } from "./result/voices";
import "./result.css";

export function Result({ job: id }: { job: string }) {
  const [job, setJob] = useState<Job | null>(null);
  const [soFar, setSoFar] = useState<readonly WordSoFar[]>([]);
  const [error, setError] = useState<{ text: string; gone: boolean } | null>(null);
  const path = { jobId: id };

  useEffect(() => {
    const own = new AbortController();
    const load = async () => {
      let now = await api.get("/v1/jobs/{jobId}", { path, signal: own.signal });
      setJob(now);
      if (FINAL.has(now.status)) return;
      await follow(id, setJob, own.signal, (told) => setSoFar((before) => withTold(before, told)));
      notify(id, titleOf(now), "The recording is done.");
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
  if (!FINAL.has(job.status)) return <Underway job={job} words={soFar} onChange={setJob} />;
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

function Done({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const [voices, setVoices] = useState<Voice[]>([]);
  const [peaks, setPeaks] = useState<Peaks | null>(null);
  const [news, setNews] = useState<News | null>(null);
  const [only, setOnly] = useState<string | null>(null);
  const [version, setVersion] = useState<{ version: number; total: number } | null>(null);
  const [said, setSaid] = useState<HistoryItem[]>([]);
  const [looking, setLooking] = useState(false); // at the history
  const [selected, setSelected] = useState<ReadonlySet<string>>(NOBODY);
  const [rewording, setRewording] = useState<TurnView | null>(null);
  const [busy, setBusy] = useState(false);
  const [least, setLeast] = useState(0); // seconds that a voice must talk to have a lane and a card
  const scope = useMemo(() => new Scope(), []);
  const seats = useRef(NO_SEATS);
  const path = { jobId: job.jobId };

  const player = useMemo(
    () => new Player(job.hasAudio ? `/v1/jobs/${job.jobId}/audio` : null),
    [job.jobId, job.hasAudio],
  );
  useEffect(() => {
    const at = Number(new URLSearchParams(location.search).get("t")); // a link may lead to a moment
    if (at > 0) player.seek(at);
    return () => player.close();
  }, [player]);

  const shown = useMemo(() => recording(job, voices, seats.current), [job, voices]);
  if (shown) seats.current = shown.seats;
  const inView = useMemo(() => shown && withoutUnder(shown, least), [shown, least]);
  // What is seen now, for what ends later.
  const now = useRef({ job, shown });
  now.current = { job, shown };

  async function loadMore() {
    const [kept, items] = await Promise.all([
      job.hasVoices ? api.get("/v1/jobs/{jobId}/voices", { path }).then(({ items }) => items) : [],
      history(job.jobId),
    ]);
    setVoices(kept);
    setSaid(items);
  }
  useEffect(() => {
    loadMore().catch(tellError);
    api.get("/v1/jobs/{jobId}/peaks", { path }).then(setPeaks, () => undefined);
    if (may("speakers:read")) api.get("/v1/speakers", { query: { limit: 1 } }).then(setVersion, () => undefined);
    return watch(job.jobId, (next) => {
      if (next.updatedAt > now.current.job.updatedAt) void look(next).catch(tellError);
    });
  }, [job.jobId]);

  /** Take over what somebody else changed, in another tab or elsewhere. */
  async function look(next: Job) {
    const fresh = await api.get("/v1/jobs/{jobId}", { path });
    if (fresh.updatedAt <= now.current.job.updatedAt) return; // meanwhile it is seen already
    if (fresh.revision !== now.current.job.revision) announce("Somebody else changed this result.");
    onChange({ ...next, ...fresh });
    await loadMore();
  }

  /**
   * Take over what was changed here, and say what it was: at the voice of this label, or else above all. The news of it
   * may come before the answer, so what was seen before is what was seen when it was asked for.
   */
  async function take(
    before: Recording | null,
    next: Job,
    words: (before: Recording, after: Recording) => string,
    label: string | null,
    actions: readonly Action[] = [],
  ) {
    const after = recording(next, voices, seats.current);
    onChange(next);
    now.current = { job: next, shown: after };
    if (before && after) {
      const names = new Map(before.voices.map((voice) => [voice.label, voice.name]));
      const changed = after.voices.filter((voice) => names.get(voice.label) !== voice.name);
      const text = words(before, after);
      const seen = after.voices.some((voice) => voice.label === label);
      setNews({
        text,
        label: seen ? label : null,
        labels: new Set(changed.map((voice) => voice.label)),
        actions,
        close: () => setNews(null),
      });
      announce(text);
    }
    if (version && outputOf(next)?.gallery) setVersion({ ...version, version: outputOf(next)?.gallery?.version ?? 0 });
    await loadMore();
  }

  /** Whoever sees an old state is told, and sees the new one. */
  async function refused(error: unknown) {
    if (error instanceof ApiError && error.status === 409) await look(now.current.job);
    throw error;
  }

  async function made(what: Said, answer: Promise<DecidedJob>, label: string | null) {
    const before = now.current.shown;
    const next = await answer.catch(refused);
    if (!next) return;
    const actions: Action[] = [{ text: "Undo", run: () => stepBack(label) }];
    const twin = what.kind === "name" ? twinOf(next, label) : null;
    if (twin && label) {
      const join: Said = { kind: "join", into: twin, from: [label] };
      actions.unshift({ text: "Join these voices", run: () => say(join, twin) });
    }
    if (next.decision.doubt && !next.decision.doubt.final && label) {
      const learn: Said = { kind: "learn", voice: label, learn: true };
      actions.unshift({ text: "Learn it anyway", run: () => say(learn, label) });
    }
    await take(before, next, (seen, after) => told(what, seen, after, next.decision), label, actions);
  }

  function say(what: Said, label: string | null = null): Promise<void> {
    return made(what, decide(now.current.job, what), label);
  }

  async function stepBack(label: string | null) {
    const before = now.current.shown;
    const next = await undo(now.current.job).catch(refused);
    if (next) await take(before, next, (seen, after) => stepped("Undone.", seen, after), label);
  }

  async function stepOn() {
    const before = now.current.shown;
    const next = await redo(now.current.job).catch(refused);
    if (next) await take(before, next, (seen, after) => stepped("Redone.", seen, after), null);
  }

  async function attempt(act: () => Promise<void>) {
    setBusy(true);
    await act().catch(tellError);
    setBusy(false);
  }

  const edits: Edits = {
    selected,
    select: setSelected,
    say: (what) => attempt(() => say(what)),
    undo: said.some((item) => item.state === "stands") ? () => attempt(() => stepBack(null)) : null,
    redo: said.some((item) => item.state === "undone") ? () => attempt(stepOn) : null,
    history: () => setLooking(true),
    reword: setRewording,
  };
  const zoom = (by: number) => zoomBy(scope, player, STEP ** by);
  const keyboard = useRef<Keyboard>({ recording: shown, edits, zoom });
  keyboard.current = { recording: shown, edits: may("jobs:write") ? edits : null, zoom };
  useKeyboard(player, keyboard);

  const output = outputOf(job);
  if (!output) return <Gone job={job} onChange={onChange} />;
  if (!shown || !inView) return <Other job={job} onChange={onChange} />;

  const named = output.gallery;
  const open = version !== null && version.total > 0 && shown.voices.some((voice) => !voice.decided);
  const outdated = open && named !== undefined && named.version < version.version;
  const never = open && !named;
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
        <Transport recording={shown} player={player} scope={scope} />
        <Stage
          job={job.jobId}
          recording={inView}
          whole={shown}
          peaks={peaks}
          player={player}
          scope={scope}
          selected={selected}
          changes={
            may("jobs:write")
              ? {
                  edge: (turn, edge, time) => {
                    const what = moved(turn, edge, Math.min(time, shown.duration));
                    if (what) void edits.say(what);
                  },
                  select: (turns, add) => setSelected(new Set([...(add ? selected : []), ...turns])),
                }
              : null
          }
        />
        <p class="small muted keys">
          <kbd>Space</kbd> plays, <kbd>←</kbd> <kbd>→</kbd> move 5 s, <kbd>J</kbd> <kbd>K</kbd> next and previous turn,{" "}
          <kbd>1</kbd>…<kbd>9</kbd> give a turn to a voice, <kbd>Ctrl</kbd> <kbd>Z</kbd> undoes <Keys />
        </p>
        {(outdated || never) && job.hasVoices && may("jobs:write") && (
          <Note
            action={
              <Button
                small
                icon="refresh"
                busy={busy}
                onClick={() => attempt(async () => take(shown, await nameAgain(job.jobId), renamed, null))}
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
            The voices of this recording are not kept: they can be named here, but nobody is learned from them. Add the
            recording again for that.
          </Note>
        )}
        {news && news.label === null && <NewsNote news={news} />}
        <div class="result-columns">
          <Voices
            job={job.jobId}
            voices={inView.voices}
            all={shown.voices}
            least={least}
            onLeast={setLeast}
            only={only}
            news={news}
            actions={{
              name: async (voice, choice) => {
                stopClips();
                const what: Said = { kind: "name", voice: voice.label };
                await made(what, name(now.current.job, voice.label, choice), voice.label);
              },
              say: (voice, what) => attempt(() => say(what, voice.label)),
              only: (voice) => setOnly(voice?.label ?? null),
            }}
          />
          <Turns recording={shown} player={player} only={only} changed={news?.labels ?? NOBODY} edits={edits} />
        </div>
      </div>
      {rewording && <Rewording turn={rewording} player={player} onSay={say} onClose={() => setRewording(null)} />}
      {looking && <History items={said} recording={shown} onClose={() => setLooking(false)} />}
    </>
  );
}

/** The voice that has the name of another one, which it could be joined with. */
function twinOf(job: Job, label: string | null): string | null {
  const voices = outputOf(job)?.voiceprints ?? [];
  const own = voices.find((voice) => voice.speaker === label);
  const same = voices.find((voice) => voice !== own && voice.speakerId && voice.speakerId === own?.speakerId);
  return same?.speaker ?? null;
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
