// One more recording of a person: another day, another microphone.
import { useState } from "preact/hooks";
import { words } from "../../api/client";
import type { SpeakerDetail } from "../../api/types";
import { Button, Note, Progress } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";
import { addSample } from "../people/learn";
import { SampleSource } from "../people/sample-source";

export function AddSample({
  person,
  onClose,
  onAdded,
}: {
  person: SpeakerDetail;
  onClose: () => void;
  onAdded: () => void;
}) {
  const [recording, setRecording] = useState<File | null>(null);
  const [speaking, setSpeaking] = useState(false);
  const [step, setStep] = useState<{ words: string; part: number | undefined } | null>(null);
  const [error, setError] = useState("");

  async function add() {
    if (!recording) return;
    setError("");
    try {
      const warning = await addSample(person.id, recording, (told, part) => setStep({ words: told, part }));
      onAdded();
      onClose();
      tell(warning || `Timbre knows ${person.name} better now.`);
    } catch (fault) {
      setError(words(fault));
      setStep(null);
    }
  }

  return (
    <Dialog title={`Add a sample of ${person.name}`} onClose={() => step || speaking || onClose()} wide>
      <div class="stack">
        <fieldset disabled={step !== null}>
          <SampleSource value={recording} onChange={setRecording} onRecording={setSpeaking} />
        </fieldset>
        {error && <Note kind="bad">{error}</Note>}
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
          <Button kind="primary" busy={step !== null} disabled={!recording || speaking} onClick={add}>
            Add
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
