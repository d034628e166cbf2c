// What was just done, told in a corner, with a way to undo it where there is one.
import { signal } from "@preact/signals";
import { announce } from "../announce";
import { words } from "../api/client";
import { Button } from "./controls";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { text: string; run: () => void | Promise<void> };
}

const toasts = signal<Toast[]>([]);
const STAYS = 6000; // milliseconds; one with an action stays longer
let last = 0;

export function tell(text: string, { bad = false, action }: Partial<Pick<Toast, "bad" | "action">> = {}): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-2), { id, text, bad, ...(action ? { action } : {}) }];
  announce(text);
  setTimeout(() => dismiss(id), bad || action ? 2 * STAYS : STAYS);
}

export function tellError(error: unknown): void {
  tell(words(error), { bad: true });
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  if (!toasts.value.length) return null;
  return (
    <section class="toasts" aria-label="Messages">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
          <span class="grow">{toast.text}</span>
          {toast.action && (
            <Button
              kind="quiet"
              small
              onClick={() => {
                dismiss(toast.id);
                void Promise.resolve(toast.action?.run()).catch(tellError);
              }}
            >
              {toast.action.text}
            </Button>
          )}
          <Button kind="quiet" small icon="close" aria-label="Close" onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </section>
  );
}
