// Changing the words of a turn: what it says is written anew, and each word that reads otherwise is decided about.
import { useState } from "preact/hooks";
import { words as inWords } from "../../api/client";
import { clock } from "../../times";
import { Button, Field } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import type { Said } from "./deciding";
import type { Player } from "./player";
import { called, type TurnView } from "./recording";
import { reworded } from "./words";

export function Rewording({
  turn,
  player,
  onSay,
  onClose,
}: {
  turn: TurnView;
  player: Player;
  onSay: (said: Said) => Promise<void>;
  onClose: () => void;
}) {
  const [text, setText] = useState(turn.words);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const changed = reworded(turn.said ?? [], text);

  async function save(event: Event) {
    event.preventDefault();
    if (!changed.length) return onClose();
    setBusy(true);
    try {
      await onSay({ kind: "reword", words: changed });
      onClose();
    } catch (fault) {
      setError(inWords(fault));
      setBusy(false);
    }
  }

  return (
    <Dialog wide title={`${called(turn.voice)} at ${clock(turn.start, { tenths: true })}`} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field
          label="What is said"
          hint="Ctrl and Enter saves. Words that are taken out count as not said."
          error={error}
        >
          {(ids) => (
            <textarea
              {...ids}
              rows={6}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save(event);
              }}
            />
          )}
        </Field>
        <div class="dialog-actions">
          {player.ready && (
            <Button icon="play" onClick={() => player.play(turn.start, turn.end)}>
              Play it
            </Button>
          )}
          <span class="grow" />
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
