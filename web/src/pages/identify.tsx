// The first page: recordings go in here.
import { useRef, useState } from "preact/hooks";
import sample from "../../../samples/conversation.ogg?url";
import { api } from "../api/client";
import { ago, bytes, length } from "../times";
import { TRANSCRIPTS } from "../transcript";
import { Button, ButtonLink, PageHead, Progress } from "../ui/controls";
import { Icon } from "../ui/icons";
import { useLoaded } from "../ui/loaded";
import { Microphone } from "../ui/microphone";
import { NotifyOffer } from "../ui/notify-offer";
import { tellError } from "../ui/toasts";
import { named, over, take } from "./identify/drop";
import { OptionsPanel } from "./identify/options";
import { type Entry, queue, remove, retry } from "./identify/queue";
import { doneWords } from "./recordings/words";
import "./identify.css";

const SOUND = "audio/*,video/*,.flac,.opus,.ogg,.m4a,.mka,.mkv,.wav,.mp3,.aac,.wma,.amr,.caf";
const KINDS = `${SOUND},${TRANSCRIPTS}`;

const touch = matchMedia("(pointer: coarse)").matches; // a phone has nothing to drop

export function Identify() {
  const chooser = useRef<HTMLInputElement>(null);
  const [recording, setRecording] = useState(false);
  const [fetching, setFetching] = useState(false);

  async function takeSample() {
    setFetching(true);
    try {
      const answer = await fetch(sample);
      if (!answer.ok) throw new Error("The sample recording did not come; is the server still running?");
      const file = await answer.blob();
      void take([{ file, name: "Sample conversation.ogg" }]);
    } catch (error) {
      tellError(error);
    }
    setFetching(false);
  }

  return (
    <>
      <PageHead
        title="Who spoke when?"
        lead="Add a recording of people talking. Timbre tells the voices apart and names the people it knows."
      />
      <div class="stack">
        <section class={over.value ? "card drop over" : "card drop"} aria-label="Add recordings">
          {!recording && (
            <>
              <span class="empty-icon">
                <Icon name="upload" size={28} />
              </span>
              <p class="drop-title">
                {over.value ? "Let go to add them" : touch ? "Add recordings" : "Drop recordings here"}
              </p>
              <p class="muted">Audio or video of any kind, one or several; a transcript can come with each.</p>
            </>
          )}
          <div class="drop-actions">
            {!recording && (
              <Button kind="primary" icon="plus" onClick={() => chooser.current?.click()}>
                Choose files
              </Button>
            )}
            <Microphone onRecording={setRecording} onRecorded={(file) => void take([{ file, name: file.name }])} />
          </div>
          {!recording && (
            <p class="small muted">
              Nothing at hand?{" "}
              <button type="button" class="link" disabled={fetching} onClick={takeSample}>
                Try the sample conversation
              </button>{" "}
              (two minutes, four people).
            </p>
          )}
          <input
            ref={chooser}
            type="file"
            multiple
            accept={KINDS}
            class="visually-hidden"
            tabIndex={-1}
            aria-label="Recordings"
            onChange={(event) => {
              const files = named(event.currentTarget.files ?? []);
              event.currentTarget.value = "";
              if (files.length) void take(files);
            }}
          />
        </section>
        <OptionsPanel />
        {queue.value.length > 0 && (
          <section class="stack" aria-labelledby="queue-title">
            <h2 id="queue-title">Now</h2>
            {queue.value.some((entry) => entry.state === "heard" && entry.long) && <NotifyOffer />}
            <ul class="queue">
              {queue.value.map((entry) => (
                <QueueRow key={entry.id} entry={entry} />
              ))}
            </ul>
          </section>
        )}
        <Recent />
      </div>
    </>
  );
}

function QueueRow({ entry }: { entry: Entry }) {
  return (
    <li class="queue-row" data-state={entry.state}>
      <div class="grow">
        <div class="row spread">
          <strong class="ellipsis">{entry.title}</strong>
          {entry.transcript && <span class="small muted ellipsis">with {entry.transcript}</span>}
          {entry.bytes > 0 && <span class="small muted numbers">{bytes(entry.bytes)}</span>}
        </div>
        {entry.state === "failed" ? (
          <p class="field-error">{entry.words}</p>
        ) : (
          <>
            <Progress value={entry.progress} label={entry.title} />
            <p class="small muted">{entry.words}</p>
          </>
        )}
      </div>
      {entry.state === "done" && entry.job && (
        <ButtonLink kind="primary" href={`/jobs/${entry.job}`}>
          Open
        </ButtonLink>
      )}
      {entry.state === "failed" && entry.bytes > 0 && (
        <Button icon="refresh" onClick={() => retry(entry.id)}>
          Try again
        </Button>
      )}
      <Button
        kind="quiet"
        icon="close"
        aria-label={entry.state === "done" || entry.state === "failed" ? "Remove from this list" : "Cancel"}
        onClick={() => remove(entry.id)}
      />
    </li>
  );
}

const RECENT = 5;

/** The newest recordings that can be looked at. */
function Recent() {
  const done = queue.value.filter((entry) => entry.state === "done").length;
  const { value } = useLoaded(
    (signal) => api.get("/v2/jobs", { query: { limit: 20, status: "succeeded" }, signal }),
    [done],
  );
  const shown = value?.items.filter((job) => job.type === "identify" || job.type === "diarize").slice(0, RECENT) ?? [];
  if (shown.length === 0) return null;
  return (
    <section class="stack" aria-labelledby="recent-title">
      <div class="row spread">
        <h2 id="recent-title">Recent</h2>
        <a href="/recordings">All recordings</a>
      </div>
      <ul class="recent">
        {shown.map((job) => (
          <li key={job.id}>
            <a href={`/jobs/${job.id}`}>
              <span class="grow">
                <span class="recent-title ellipsis">{job.title ?? "Untitled recording"}</span>
                <span class="small muted">
                  {job.speakers.length ? job.speakers.map((speaker) => speaker.name).join(", ") : doneWords(job)}
                </span>
              </span>
              <span class="small muted numbers">
                {job.quantity ? `${length(job.quantity)} · ` : ""}
                {ago(job.createdAt)}
              </span>
              <Icon name="next" />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
