// Why a voice may be kept, and when to ask again.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { SpeakerDetail } from "../../api/types";
import { Button, Field, Note } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";
import { ConsentFields, consentDraft, consentOf } from "../people/consent";

export function EditConsent({
  person,
  onClose,
  onSaved,
}: {
  person: SpeakerDetail;
  onClose: () => void;
  onSaved: (person: SpeakerDetail) => void;
}) {
  const [draft, setDraft] = useState(() => consentDraft(person.consent));
  const [review, setReview] = useState(person.reviewDate ?? "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    try {
      const body = { consent: consentOf(draft), reviewDate: review || null };
      onSaved(await api.patch("/v1/speakers/{speakerId}", { path: { speakerId: person.id }, body }));
      onClose();
      tell("Saved.");
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Consent of ${person.name}`} onClose={onClose} wide>
      <form class="stack" onSubmit={save}>
        <ConsentFields value={draft} onChange={setDraft} />
        {person.consent && !draft.given && (
          <Note kind="caution">
            The record of their consent goes. If they do not agree any more, erase the person instead.
          </Note>
        )}
        <Field label="Review on (optional)" hint="From that day on their page says that it is to be asked again.">
          {(ids) => (
            <input {...ids} type="date" value={review} onInput={(event) => setReview(event.currentTarget.value)} />
          )}
        </Field>
        {error && <Note kind="bad">{error}</Note>}
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
