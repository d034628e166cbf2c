// Moving the gallery between servers: JSON Lines, a person a line.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { ImportReport } from "../../api/types";
import { bytes, count } from "../../times";
import { Button, Note } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icons";

const SHOWN = 20; // lines that could not be taken in

export function Import({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [done, setDone] = useState<ImportReport | null>(null);

  async function send() {
    if (!file) return;
    setBusy(true);
    setError("");
    try {
      setDone(await api.post("/v1/speakers/import", { body: new Blob([file], { type: "application/x-ndjson" }) }));
      onDone();
    } catch (fault) {
      setError(words(fault));
    }
    setBusy(false);
  }

  return (
    <Dialog title="Import people" onClose={() => busy || onClose()}>
      <div class="stack">
        {done ? (
          <Outcome done={done} />
        ) : (
          <>
            <p>
              Takes a file that another Timbre exported, with names, tags, consent and voiceprints. People who are here
              already get the samples that they lack; nothing is deleted.
            </p>
            <label class="sample-drop">
              <Icon name="upload" size={24} />
              <span>{file ? `${file.name}, ${bytes(file.size)}` : "Choose a .jsonl file"}</span>
              <input
                class="visually-hidden"
                type="file"
                accept=".jsonl,.ndjson,application/x-ndjson"
                disabled={busy}
                onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
              />
            </label>
            {error && <Note kind="bad">{error}</Note>}
          </>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose} disabled={busy}>
            {done ? "Close" : "Cancel"}
          </Button>
          {!done && (
            <Button kind="primary" icon="upload" busy={busy} disabled={!file} onClick={send}>
              Import
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Outcome({ done }: { done: ImportReport }) {
  return (
    <>
      <Note kind={done.errors.length ? "caution" : "good"}>
        {count(done.created, "person was", "people were")} added, {count(done.updated, "person", "people")} got more,{" "}
        {count(done.samples, "sample")} in all.
        {done.errors.length > 0 && ` ${count(done.errors.length, "line")} could not be taken in:`}
      </Note>
      {done.errors.length > 0 && (
        <ul class="import-errors small">
          {done.errors.slice(0, SHOWN).map((each) => (
            <li key={each.line}>
              <strong>Line {each.line}:</strong> {each.message}
            </li>
          ))}
          {done.errors.length > SHOWN && <li class="muted">and {done.errors.length - SHOWN} more</li>}
        </ul>
      )}
    </>
  );
}
