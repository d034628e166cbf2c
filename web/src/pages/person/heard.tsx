// The recordings in which a person is heard: how much they talk, and where.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import { outputOf, type SpeakerRecordingList } from "../../api/types";
import { may } from "../../session";
import { ago, at, clock, count, length } from "../../times";
import { Button, Note, Tag } from "../../ui/controls";
import type { Loaded } from "../../ui/loaded";
import { tell, tellError } from "../../ui/toasts";
import { titleOf } from "../recordings/words";
import { nameAllAgain } from "../review/reviewing";

type Item = SpeakerRecordingList["items"][number];
const TURNS = 200; // of one recording that are listed

export function Heard({
  speaker,
  name,
  loaded,
}: {
  speaker: string;
  name: string;
  loaded: Loaded<SpeakerRecordingList>;
}) {
  const page = loaded.value;
  const doubtful = page?.items.filter((item) => item.doubtful).length ?? 0;
  return (
    <section class="card stack" aria-labelledby="heard">
      <div class="row spread">
        <h2 id="heard">Heard in</h2>
        {page && page.recordings > 0 && (
          <p class="small muted numbers">
            {length(page.seconds)} in {count(page.recordings, "recording")}
          </p>
        )}
      </div>
      {loaded.error && <Note kind="bad">{loaded.error}</Note>}
      {doubtful > 0 && <Doubtful speaker={speaker} name={name} recordings={doubtful} onDone={loaded.reload} />}
      {page?.items.length === 0 && (
        <p class="muted">
          No recording that is kept names them. <a href="/">Identify one</a>, or name a voice in one that is there.
        </p>
      )}
      {page && page.items.length > 0 && (
        <ul class="heard">
          {page.items.map((item) => (
            <Recording key={item.jobId} item={item} speaker={speaker} />
          ))}
        </ul>
      )}
      {page?.nextCursor && (
        <p>
          <a href={`/recordings?speaker=${speaker}`}>All recordings with them</a>
        </p>
      )}
    </section>
  );
}

function Recording({ item, speaker }: { item: Item; speaker: string }) {
  const [turns, setTurns] = useState<{ start: number; end: number }[] | null>(null);
  const title = titleOf(item);
  async function open() {
    if (turns) return setTurns(null);
    try {
      const job = await api.get("/v1/jobs/{jobId}", { path: { jobId: item.jobId } });
      setTurns((outputOf(job)?.identification ?? []).filter((turn) => turn.speakerId === speaker));
    } catch (error) {
      tellError(error);
    }
  }
  return (
    <li>
      <div class="heard-head">
        <a class="grow ellipsis" href={`/jobs/${item.jobId}`}>
          {title}
        </a>
        {item.doubtful && <Tag kind="caution">by a sample that is gone</Tag>}
        <span class="small muted numbers" title={at(item.createdAt)}>
          {length(item.seconds)}
          {item.duration ? ` of ${length(item.duration)}` : ""}, {ago(item.createdAt)}
        </span>
        <Button
          small
          kind="quiet"
          aria-expanded={turns !== null}
          aria-label={`Turns in ${title}`}
          icon="list"
          onClick={open}
        />
      </div>
      {turns && (
        <p class="heard-turns small">
          {turns.slice(0, TURNS).map(({ start, end }) => (
            <a key={start} class="numbers" href={`/jobs/${item.jobId}?t=${start}`} title={length(end - start)}>
              {clock(start)}
            </a>
          ))}
          {turns.length > TURNS && <span class="muted">and {turns.length - TURNS} more</span>}
        </p>
      )}
    </li>
  );
}

function Doubtful({
  speaker,
  name,
  recordings,
  onDone,
}: {
  speaker: string;
  name: string;
  recordings: number;
  onDone: () => Promise<void>;
}) {
  const [busy, setBusy] = useState(false);
  async function run() {
    setBusy(true);
    try {
      const { named, changed } = await nameAllAgain(() => undefined, { speakerId: speaker });
      tell(`${count(named, "recording")} named again; ${changed || "none"} of them with other people now.`);
      await onDone();
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  }
  return (
    <Note
      kind="caution"
      action={
        may("jobs:write") && (
          <Button small icon="refresh" busy={busy} onClick={run}>
            Name again
          </Button>
        )
      }
    >
      {count(recordings, "recording")} {recordings === 1 ? "names" : "name"} {name} by a sample that is gone. It may be
      somebody else there.
    </Note>
  );
}
