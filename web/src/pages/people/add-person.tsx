// Adding a person: who they are, that they agree, and how they sound.
import { useState } from "preact/hooks";
import { ApiError, words } from "../../api/client";
import { go } from "../../router";
import { Button, Field, Note, Progress } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";
import { ConsentFields, consentDraft, consentOf } from "./consent";
import { addPerson } from "./learn";
import { SampleSource } from "./sample-source";
import { parseTags } from "./tags";

interface Step {
  words: string;
  part: number | undefined;
}

const NO_ERROR = { field: "", message: "" };

export function AddPerson({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [name, setName] = useState("");
  const [tags, setTags] = useState("");
  const [consent, setConsent] = useState(() => consentDraft(null));
  const [recording, setRecording] = useState<File | null>(null);
  const [speaking, setSpeaking] = useState(false);
  const [step, setStep] = useState<Step | null>(null);
  const [error, setError] = useState(NO_ERROR);

  async function submit(event: Event) {
    event.preventDefault();
    setError(NO_ERROR);
    const draft = { name: name.trim(), tags: parseTags(tags), consent: consentOf(consent) };
    try {
      const added = await addPerson(draft, recording, (told, part) => setStep({ words: told, part }));
      onAdded();
      onClose();
      go(`/people/${added.id}`);
      const known = recording
        ? `Timbre knows ${draft.name} now.`
        : `${draft.name} was added. A recording is still needed.`;
      tell([known, added.warning].filter(Boolean).join(" "));
    } catch (fault) {
      setStep(null);
      const taken = fault instanceof ApiError && (fault.status === 409 || fault.errors[0]?.field === "name");
      setError({ field: taken ? "name" : "", message: words(fault) });
    }
  }

  return (
    <Dialog title="Add a person" onClose={() => step || speaking || onClose()} wide>
      <form class="stack" onSubmit={submit}>
        <fieldset class="stack" disabled={step !== null}>
          <div class="two-fields">
            <Field label="Name" error={error.field === "name" ? error.message : ""} hint="As results will name them.">
              {(ids) => (
                <input
                  {...ids}
                  required
                  maxLength={100}
                  autocomplete="off"
                  value={name}
                  onInput={(event) => {
                    setName(event.currentTarget.value);
                    setError(NO_ERROR);
                  }}
                />
              )}
            </Field>
            <Field label="Tags (optional)" hint="With commas between: board, london">
              {(ids) => (
                <input
                  {...ids}
                  autocomplete="off"
                  value={tags}
                  onInput={(event) => setTags(event.currentTarget.value)}
                />
              )}
            </Field>
          </div>
          <SampleSource value={recording} onChange={setRecording} onRecording={setSpeaking} />
          <ConsentFields value={consent} onChange={setConsent} />
        </fieldset>
        {error.message && error.field !== "name" && <Note kind="bad">{error.message}</Note>}
        {step && (
          <div class="stack-small" role="status">
            <p class="small">{step.words}…</p>
            <Progress label={step.words} {...(step.part === undefined ? {} : { value: step.part })} />
          </div>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose} disabled={step !== null}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" busy={step !== null} disabled={speaking}>
            {recording ? "Add" : "Add without a recording"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
