// What is done with several recordings at once.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { JobItem, TagItem } from "../../api/types";
import { may } from "../../session";
import { count } from "../../times";
import { Button, Check, Field, Note } from "../../ui/controls";
import { Confirm, Dialog } from "../../ui/dialog";
import { tell, tellError } from "../../ui/toasts";
import { NameAllAgain } from "./again";
import { saveExport, TAKEN_AS } from "./export";

export function Bulk({
  chosen,
  tags,
  onChanged,
  onClear,
}: {
  chosen: readonly JobItem[];
  tags: readonly TagItem[];
  onChanged: () => void;
  onClear: () => void;
}) {
  const [opened, setOpened] = useState<"" | "tags" | "delete" | "export">("");
  const jobs = chosen.map(({ id }) => id);
  const many = count(jobs.length, "recording");

  async function keep(kept: boolean) {
    try {
      const { changed } = await api.post("/v1/archive/change", { body: { jobs, kept } });
      tell(
        kept
          ? `${count(changed.length, "recording")} kept until you delete ${changed.length === 1 ? "it" : "them"}.`
          : `${count(changed.length, "recording")} ${changed.length === 1 ? "goes" : "go"} by the rules again.`,
      );
      onChanged();
    } catch (error) {
      tellError(error);
    }
  }

  async function remove() {
    const { deleted, canceled } = await api.post("/v1/archive/delete", { body: { jobs } });
    tell(`${count(deleted.length, "recording")} deleted${canceled.length ? `, ${canceled.length} canceled` : ""}.`);
    onClear();
    onChanged();
  }

  return (
    <div class="bulk card" role="group" aria-label="With the chosen recordings">
      <strong>{many} chosen</strong>
      <div class="row">
        {may("jobs:write") && (
          <>
            <Button small icon="pin" onClick={() => keep(true)}>
              Keep
            </Button>
            <Button small onClick={() => keep(false)}>
              Keep by the rules
            </Button>
            <Button small icon="edit" onClick={() => setOpened("tags")}>
              Tags…
            </Button>
            {may("speakers:read") && <NameAllAgain jobs={chosen} onDone={onChanged} />}
          </>
        )}
        <Button small icon="download" onClick={() => setOpened("export")}>
          Export…
        </Button>
        {may("jobs:write") && (
          <Button small icon="trash" onClick={() => setOpened("delete")}>
            Delete…
          </Button>
        )}
      </div>
      <Button small kind="quiet" icon="close" aria-label="Choose none" onClick={onClear} />
      {opened === "tags" && (
        <EditTags chosen={chosen} tags={tags} onClose={() => setOpened("")} onChanged={onChanged} />
      )}
      {opened === "export" && <Export jobs={jobs} onClose={() => setOpened("")} />}
      {opened === "delete" && (
        <Confirm title={`Delete ${many}?`} action={`Delete ${many}`} onConfirm={remove} onClose={() => setOpened("")}>
          <p>
            Their results, the voices heard in them and what is known of the jobs go at once and for good. People who
            learned from them keep their samples.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function EditTags({
  chosen,
  tags,
  onClose,
  onChanged,
}: {
  chosen: readonly JobItem[];
  tags: readonly TagItem[];
  onClose: () => void;
  onChanged: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const there = [...new Set(chosen.flatMap((job) => job.tags))].sort();

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    const addTags = typed
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean);
    try {
      const body = { jobs: chosen.map(({ id }) => id), addTags, removeTags: [...removed] };
      const { changed } = await api.post("/v1/archive/change", { body });
      tell(`${count(changed.length, "recording")} tagged anew.`);
      onClose();
      onChanged();
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Tags of ${count(chosen.length, "recording")}`} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field
          label="Add"
          hint="Several with commas between. Rules in the settings say how long what is tagged is kept."
          error={error}
        >
          {(ids) => (
            <input
              {...ids}
              list="known-tags"
              autocomplete="off"
              placeholder="interviews"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        </Field>
        <datalist id="known-tags">
          {tags.map(({ tag }) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
        {there.length > 0 && (
          <fieldset class="stack-small remove-tags">
            <legend>Take away</legend>
            {there.map((tag) => (
              <Check
                key={tag}
                checked={removed.has(tag)}
                onChange={(on) =>
                  setRemoved(new Set(on ? [...removed, tag] : [...removed].filter((each) => each !== tag)))
                }
              >
                {tag}
              </Check>
            ))}
          </fieldset>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy} disabled={!typed.trim() && !removed.size}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Export({ jobs, onClose }: { jobs: readonly string[]; onClose: () => void }) {
  const [formats, setFormats] = useState<ReadonlySet<string>>(new Set(["csv"]));
  const [recordings, setRecordings] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  async function save() {
    setBusy(true);
    try {
      await saveExport(jobs, [...formats], recordings);
      onClose();
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Export ${count(jobs.length, "recording")}`} onClose={onClose}>
      <div class="stack">
        <p>One zip file, in which each result is named after its recording.</p>
        <fieldset class="stack-small remove-tags">
          <legend>As</legend>
          {TAKEN_AS.map(([format, text]) => (
            <Check
              key={format}
              checked={formats.has(format)}
              onChange={(on) =>
                setFormats(new Set(on ? [...formats, format] : [...formats].filter((each) => each !== format)))
              }
            >
              {text}
            </Check>
          ))}
        </fieldset>
        {may("media:read") && (
          <Check checked={recordings} onChange={setRecordings}>
            The recordings themselves too, as long as they are kept
          </Check>
        )}
        {error && <Note kind="bad">{error}</Note>}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" icon="download" busy={busy} disabled={!formats.size} onClick={save}>
            Export
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
