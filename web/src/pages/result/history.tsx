// Everything that people said about a recording, by whom and when.
import type { HistoryItem } from "../../api/types";
import { at } from "../../times";
import { Tag } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { called, type Recording } from "./recording";
import { line } from "./telling";

export function History({
  items,
  recording,
  onClose,
}: {
  items: readonly HistoryItem[];
  recording: Recording;
  onClose: () => void;
}) {
  // Voices by number: their names are what the history is about.
  const numbers = new Map(recording.voices.map((voice) => [voice.label, called({ ...voice, name: null })]));
  return (
    <Dialog title="History" onClose={onClose}>
      {items.length === 0 && <p class="muted">Nobody has changed anything yet: this is what the machine found.</p>}
      <ol class="history" tabIndex={0} aria-label="What was decided, the latest first">
        {[...items].reverse().map((item) => (
          <li key={item.revision} data-state={item.state}>
            <span class="grow">
              <strong>{line(item, numbers)}</strong>
              <span class="small muted">
                {item.by ?? "somebody"}, {at(item.at)}
              </span>
            </span>
            {item.state === "undone" && <Tag kind="caution">undone</Tag>}
            {item.state === "dropped" && <Tag>undone for good</Tag>}
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
