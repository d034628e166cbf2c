// Taking recordings in: files that are chosen, recorded, or dropped anywhere in the app.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { go, route } from "../../router";
import { tell } from "../../ui/toasts";
import { options } from "./options";
import { type Added, paired } from "./pairs";
import { add, queue } from "./queue";

/** Whether files are held over the page. */
export const over = signal(false);

/**
 * Take recordings in, with the transcripts that came with them; a single one is shown when it is done, unless one went
 * elsewhere meanwhile.
 */
export async function take(added: readonly Added[]): Promise<void> {
  const { recordings: files, alone: unpaired } = paired(added);
  if (unpaired.length)
    tell(`No recording came with ${unpaired.join(", ")}: add both together, called alike.`, { bad: true });
  if (!files.length) return;
  const before = queue.value.length;
  await add(files, options.value);
  const [only] = queue.value;
  const alone = files.length === 1 && queue.value.length === before + 1;
  if (alone && only?.state === "done" && only.job && route.value.page === "identify") go(`/jobs/${only.job}`);
}

export function named(files: Iterable<File>): { file: File; name: string }[] {
  return [...files].map((file) => ({ file, name: file.name }));
}

/** Take in files that are dropped on whatever page; where a dialog asks for something, they are not for us. */
export function useDrop(allowed: boolean) {
  useEffect(() => {
    if (!allowed) return;
    let depth = 0; // every element under the pointer tells of its own entering and leaving
    const ours = (event: DragEvent) =>
      event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
    const enter = (event: DragEvent) => {
      if (ours(event)) over.value = ++depth > 0;
    };
    const leave = (event: DragEvent) => {
      if (ours(event)) over.value = --depth > 0;
    };
    const hover = (event: DragEvent) => {
      if (ours(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!ours(event)) return;
      event.preventDefault();
      depth = 0;
      over.value = false;
      const files = named(event.dataTransfer?.files ?? []);
      if (!files.length) return;
      if (route.value.page !== "identify") go("/");
      void take(files);
    };
    const handlers = { dragenter: enter, dragleave: leave, dragover: hover, drop } as const;
    for (const [name, handler] of Object.entries(handlers)) addEventListener(name, handler as EventListener);
    return () => {
      for (const [name, handler] of Object.entries(handlers)) removeEventListener(name, handler as EventListener);
    };
  }, [allowed]);
}
