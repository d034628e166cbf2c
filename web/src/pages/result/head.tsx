// What the recording is called, how long it stays, and what can be taken from it.
import { useEffect, useState } from "preact/hooks";
import { address, api, words } from "../../api/client";
import { type Job, outputOf } from "../../api/types";
import { go } from "../../router";
import { save } from "../../save";
import { may } from "../../session";
import { at, goneIn, length } from "../../times";
import { Button, Note, Tag } from "../../ui/controls";
import { Confirm } from "../../ui/dialog";
import { Menu } from "../../ui/menu";
import { tell, tellError } from "../../ui/toasts";
import { HandIn, removeTranscript } from "./transcript";

const FORMATS: [string, string, string][] = [
  ["srt", "SubRip", "subtitles for video"],
  ["vtt", "WebVTT", "subtitles for the web"],
  ["csv", "CSV", "for a spreadsheet"],
  ["json", "JSON", "everything there is"],
  ["rttm", "RTTM", "for research tools"],
  ["txt", "Plain text", "for people who write"],
  ["textgrid", "TextGrid", "for Praat"],
  ["eaf", "EAF", "for ELAN"],
  ["audacity", "Audacity labels", "for Audacity"],
];

export function titleOf(job: Job): string {
  return job.title || "Untitled recording";
}

export function Head({ job, onChange, turns }: { job: Job; onChange: (job: Job) => void; turns: boolean }) {
  const [deleting, setDeleting] = useState(false);
  const [handing, setHanding] = useState(false);
  const worded = Boolean(outputOf(job)?.turnLevelTranscription);
  const writable = may("jobs:write");
  const path = { jobId: job.jobId };

  useEffect(() => {
    document.title = `${titleOf(job)} · Timbre`;
  }, [job.title]);

  /** The server may lack what writes documents, and says so. */
  async function saveDocument() {
    const answer = await fetch(address("/v1/jobs/{jobId}/output.{format}", { path: { ...path, format: "docx" } }));
    await save(answer, `${titleOf(job).replace(/\.\w{1,5}$/, "")}.docx`);
  }

  async function keep() {
    try {
      const now = await api.patch("/v1/jobs/{jobId}", { path, body: { kept: !job.kept } });
      onChange(now);
      tell(now.kept ? "Kept until you delete it." : "No longer kept: it goes when its time is over.");
    } catch (error) {
      tellError(error);
    }
  }

  return (
    <header class="page-head result-head">
      <div class="grow">
        <a class="small" href="/recordings">
          Recordings
        </a>
        <Title job={job} onChange={onChange} />
        <p class="muted small row">
          <span>
            {at(job.createdAt)}
            {job.duration !== undefined && ` · ${length(job.duration)}`}
          </span>
          {job.kept ? <Tag kind="good">kept</Tag> : job.outputExpiresAt && <Tag>{goneIn(job.outputExpiresAt)}</Tag>}
        </p>
      </div>
      <div class="row">
        {writable && job.status === "succeeded" && (
          <Button icon="pin" aria-pressed={Boolean(job.kept)} onClick={keep}>
            {job.kept ? "Kept" : "Keep"}
          </Button>
        )}
        {turns && (
          <Menu
            label="Export"
            icon="download"
            items={[
              ...FORMATS.map(([format, text, hint]) => ({
                text,
                hint,
                href: `/v1/jobs/${job.jobId}/output.${format}`,
                download: "",
              })),
              {
                text: "Word document",
                hint: "for people who write",
                onSelect: () => void saveDocument().catch(tellError),
              },
            ]}
          >
            Export
          </Menu>
        )}
        {writable && (
          <Menu
            label="More"
            icon="more"
            items={[
              turns && {
                text: worded ? "Hand in another transcript" : "Hand in a transcript",
                hint: "Its words stand beside the turns",
                icon: "upload",
                onSelect: () => setHanding(true),
              },
              turns &&
                worded && {
                  text: "Remove the transcript",
                  icon: "close",
                  onSelect: () => void removeTranscript(job).then(onChange, tellError),
                },
              { text: "Delete this recording", icon: "trash", danger: true, onSelect: () => setDeleting(true) },
            ]}
          />
        )}
      </div>
      {handing && <HandIn job={job} onChange={onChange} onClose={() => setHanding(false)} />}
      {deleting && (
        <Confirm
          title="Delete this recording?"
          action="Delete"
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await api.delete("/v1/jobs/{jobId}", { path, query: { canceled: true } });
            tell(`${titleOf(job)} is deleted.`);
            go("/recordings", { replace: true });
          }}
        >
          <p>
            Its turns, names and voices go at once and for ever. What people learned from it stays with them: it is on
            their pages.
          </p>
        </Confirm>
      )}
    </header>
  );
}

function Title({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const [editing, setEditing] = useState(false);
  const [error, setError] = useState("");
  if (!editing)
    return (
      <div class="result-title">
        <h1>{titleOf(job)}</h1>
        {may("jobs:write") && (
          <Button kind="quiet" small icon="edit" aria-label="Change the title" onClick={() => setEditing(true)} />
        )}
      </div>
    );
  async function save(event: Event) {
    event.preventDefault();
    const title = new FormData(event.currentTarget as HTMLFormElement).get("title")?.toString().trim();
    try {
      onChange(await api.patch("/v1/jobs/{jobId}", { path: { jobId: job.jobId }, body: { title } }));
      setEditing(false);
    } catch (fault) {
      setError(words(fault));
    }
  }
  return (
    <form class="result-title" onSubmit={save}>
      <h1 class="visually-hidden">{titleOf(job)}</h1>
      <input
        name="title"
        aria-label="Title"
        maxLength={200}
        required
        defaultValue={job.title ?? ""}
        ref={(input) => input?.focus()}
        onKeyDown={(event) => event.key === "Escape" && setEditing(false)}
      />
      <Button type="submit" kind="primary">
        Save
      </Button>
      <Button kind="quiet" onClick={() => setEditing(false)}>
        Cancel
      </Button>
      {error && <Note kind="bad">{error}</Note>}
    </form>
  );
}
