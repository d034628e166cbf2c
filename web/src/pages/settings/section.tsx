// What sections have in common: they load, they may fail, and some secrets are copied.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { announce } from "../../announce";
import { Button, Loading, Note } from "../../ui/controls";
import type { Loaded } from "../../ui/loaded";

/** The content once it is there; what went wrong, if anything did. */
export function Of<T>({ loaded, children }: { loaded: Loaded<T>; children: (value: T) => ComponentChildren }) {
  return (
    <>
      {loaded.error && (
        <Note kind="bad" action={<Button onClick={() => void loaded.reload()}>Try again</Button>}>
          {loaded.error}
        </Note>
      )}
      {loaded.value === undefined ? !loaded.error && <Loading /> : children(loaded.value)}
    </>
  );
}

/** Something long to copy, hidden until it is asked for unless it was just made. */
export function Copyable({ value, what, hidden = false }: { value: string; what: string; hidden?: boolean }) {
  const [shown, setShown] = useState(!hidden);
  const [copied, setCopied] = useState(false);
  async function copy() {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
      announce(`${what} copied.`);
      setTimeout(() => setCopied(false), 2500);
    } catch {
      setShown(true); // to be copied by hand
    }
  }
  return (
    <div class="copyable">
      <code class="grow">{shown ? value : "•".repeat(16)}</code>
      {hidden && (
        <Button small kind="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? "Hide" : "Show"}
        </Button>
      )}
      <Button small icon={copied ? "check" : "copy"} onClick={copy}>
        {copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}
