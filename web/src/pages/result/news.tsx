// What a decision changed, said where one looks, with a way back and what may follow.
import { useState } from "preact/hooks";
import { Button, Note } from "../../ui/controls";
import { tellError } from "../../ui/toasts";

export interface Action {
  text: string;
  run: () => Promise<void>;
}

export interface News {
  text: string;
  label: string | null; // of the voice whose card says it; null: the page does
  labels: ReadonlySet<string>; // of all voices that have another name now
  actions: readonly Action[];
  close: () => void;
}

export function NewsNote({ news }: { news: News }) {
  const [busy, setBusy] = useState("");
  return (
    <Note
      kind="good"
      action={<Button small kind="quiet" icon="close" aria-label="Close this note" onClick={news.close} />}
    >
      <strong>{news.text}</strong>
      {news.actions.length > 0 && (
        <span class="note-actions">
          {news.actions.map(({ text, run }) => (
            <Button
              key={text}
              small
              busy={busy === text}
              onClick={async () => {
                setBusy(text);
                await run().catch(tellError);
                setBusy("");
              }}
            >
              {text}
            </Button>
          ))}
        </span>
      )}
    </Note>
  );
}
