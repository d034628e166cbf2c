// Another name, other tags.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { SpeakerDetail } from "../../api/types";
import { Button, Field } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";
import { parseTags } from "../people/tags";

export function EditPerson({
  person,
  onClose,
  onSaved,
}: {
  person: SpeakerDetail;
  onClose: () => void;
  onSaved: (person: SpeakerDetail) => void;
}) {
  const [name, setName] = useState(person.name);
  const [tags, setTags] = useState(person.tags.join(", "));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    try {
      const body = { name: name.trim(), tags: parseTags(tags) };
      onSaved(await api.patch("/v1/speakers/{speakerId}", { path: { speakerId: person.id }, body }));
      onClose();
      tell("Saved.");
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Rename or tag" onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field label="Name" error={error} hint="Results that name them follow.">
          {(ids) => (
            <input
              {...ids}
              required
              maxLength={100}
              autocomplete="off"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Tags" hint="With commas between: board, london. Recordings can be compared with a tag alone.">
          {(ids) => (
            <input {...ids} autocomplete="off" value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
          )}
        </Field>
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
