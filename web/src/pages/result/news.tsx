// What a naming changed, said where one looks, with a way back.
import { useState } from "preact/hooks";
import { Button, Note } from "../../ui/controls";
import { tellError } from "../../ui/toasts";

export interface News {
  text: string;
  label: string | null; // of the voice whose card says it; null: the page does
  labels: ReadonlySet<string>; // of all voices that have another name now
  undo: (() => Promise<void>) | null;
  close: () => void;
}

export function NewsNote({ news }: { news: News }) {
  const [busy, setBusy] = useState(false);
  async function undo() {
    setBusy(true);
    await news.undo?.().catch(tellError);
    setBusy(false);
  }
  return (
    <Note
      kind="good"
      action={
        <span class="note-actions">
          {news.undo && (
            <Button small busy={busy} onClick={undo}>
              Undo
            </Button>
          )}
          <Button small kind="quiet" icon="close" aria-label="Close this note" onClick={news.close} />
        </span>
      }
    >
      <strong>{news.text}</strong>
    </Note>
  );
}
