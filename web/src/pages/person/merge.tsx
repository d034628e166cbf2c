// Making one person of two records of the same one.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { Speaker, SpeakerDetail } from "../../api/types";
import { Button, Note } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";
import { Avatar } from "../people/avatar";
import { PersonPicker } from "../people/picker";
import { amount } from "../people/speech";

export function Merge({
  person,
  onClose,
  onMerged,
}: {
  person: SpeakerDetail;
  onClose: () => void;
  onMerged: (person: SpeakerDetail) => void;
}) {
  const [others, setOthers] = useState<Speaker[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const names = others.map((other) => other.name);
  const listed = new Intl.ListFormat("en").format(names);

  async function merge() {
    setBusy(true);
    setError("");
    try {
      const body = { from: others.map((other) => other.id) };
      onMerged(await api.post("/v1/speakers/{speakerId}/merge", { path: { speakerId: person.id }, body }));
      onClose();
      tell(`${listed} ${others.length === 1 ? "is" : "are"} part of ${person.name} now.`);
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Merge with ${person.name}`} onClose={onClose}>
      <div class="stack">
        <p>If somebody is here twice, under another name, make one person of both.</p>
        <PersonPicker
          label={`Who is ${person.name}, too?`}
          without={[person.id, ...others.map((other) => other.id)]}
          onChoose={(other) => setOthers([...others, other])}
        />
        {others.length > 0 && (
          <>
            <ul class="merging">
              {others.map((other) => (
                <li key={other.id}>
                  <Avatar id={other.id} name={other.name} size="small" />
                  <span class="grow ellipsis">
                    {other.name} <span class="muted small">{amount(other)}</span>
                  </span>
                  <Button
                    kind="quiet"
                    small
                    icon="close"
                    aria-label={`Leave ${other.name} out`}
                    onClick={() => setOthers(others.filter((each) => each !== other))}
                  />
                </li>
              ))}
            </ul>
            <Note kind="caution">
              Samples, tags and recordings of {listed} become those of {person.name}; results that are kept then say{" "}
              {person.name}. {others.length === 1 ? `The name ${listed} goes` : "Their names go"} for good.
            </Note>
          </>
        )}
        {error && <Note kind="bad">{error}</Note>}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" icon="merge" busy={busy} disabled={!others.length} onClick={merge}>
            Merge
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
