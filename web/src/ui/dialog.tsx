// Dialogs: the browser's own, which keeps the focus inside and closes with Escape.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { words } from "../api/client";
import { Button, Note } from "./controls";

const WRITTEN_IN = "input:not([type=checkbox], [type=radio], [type=file], [type=date], [type=range]), textarea";

/** Shown as long as it is rendered; `onClose` is to stop rendering it. */
export function Dialog({
  title,
  onClose,
  children,
  wide,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const own = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const dialog = own.current;
    dialog?.showModal(); // which focuses the first button; where there is something to write, one begins there
    dialog?.querySelector<HTMLElement>(WRITTEN_IN)?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={own}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => event.target === own.current && onClose()}
    >
      <div class="dialog-body">
        <header class="row spread">
          <h2 id={id} class="grow">
            {title}
          </h2>
          <Button kind="quiet" icon="close" aria-label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Ask before something that cannot be undone. */
export function Confirm({
  title,
  children,
  action,
  kind = "danger",
  onConfirm,
  onClose,
}: {
  title: string;
  children: ComponentChildren;
  action: string;
  kind?: "danger" | "primary";
  onConfirm: () => Promise<void>;
  onClose: () => void;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  async function confirm() {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack">
        <div>{children}</div>
        {error && <Note kind="bad">{error}</Note>}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={kind} busy={busy} onClick={confirm}>
            {action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
