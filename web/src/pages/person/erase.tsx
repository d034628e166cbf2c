// Forgetting a person completely: what goes is said first, and the name is typed.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { SpeakerDetail } from "../../api/types";
import { count } from "../../times";
import { Button, Field, Note } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";

export function Erase({
  person,
  onClose,
  onErased,
}: {
  person: SpeakerDetail;
  onClose: () => void;
  onErased: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const clips = person.samples.filter((sample) => sample.hasClip).length;
  const right = typed.trim().toLocaleLowerCase() === person.name.toLocaleLowerCase();

  async function erase(event: Event) {
    event.preventDefault();
    if (!right) return;
    setBusy(true);
    try {
      await api.delete("/v1/speakers/{speakerId}", { path: { speakerId: person.id } });
      onClose();
      onErased();
      tell(`${person.name} was erased.`);
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Erase ${person.name}?`} onClose={onClose}>
      <form class="stack" onSubmit={erase}>
        <div>
          <p>This goes at once, and nobody can bring it back:</p>
          <ul class="goes">
            <li>
              {count(person.sampleCount, "sample")} of the voice
              {clips > 0 && `, ${count(clips, "clip")} to listen to`}
            </li>
            <li>what recordings are compared with</li>
            <li>name, tags{person.consent && ", the record of consent"}</li>
            <li>the name in every result that is kept: there they become an unknown voice</li>
          </ul>
          <p class="small muted">Recordings themselves stay. The audit log notes it without the name.</p>
        </div>
        <Field label={`Type “${person.name}” to confirm`} error={error}>
          {(ids) => (
            <input
              {...ids}
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        </Field>
        {typed.trim() &&
          !right &&
          person.name.toLocaleLowerCase().startsWith(typed.trim().toLocaleLowerCase()) === false && (
            <Note kind="caution">That is another name.</Note>
          )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="danger" icon="trash" busy={busy} disabled={!right}>
            Erase for good
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
