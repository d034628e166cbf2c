// Whether the server answers: a page whose server went away says so, and goes on by itself when it is back.
import { signal } from "@preact/signals";
import { announce } from "./announce";

/** The server went away, and has not come back yet. */
export const away = signal(false);
/** How often it has come back: what was not to be had then can be asked for again. */
export const returns = signal(0);

const LOOK = 2000; // milliseconds between two looks

/** Somebody was not answered: look until somebody is. */
export function lost(): void {
  if (away.value) return;
  away.value = true;
  announce("The server does not answer.");
  setTimeout(() => void look(), LOOK);
}

async function look(): Promise<void> {
  try {
    const answer = await fetch("/readyz", { cache: "no-store" });
    if (!answer.ok) throw new Error(`${answer.status}`);
  } catch {
    setTimeout(() => void look(), LOOK);
    return;
  }
  away.value = false;
  returns.value++;
  announce("The server answers again.");
}

/** Wait until the server answers; at once if it does. */
export function back(): Promise<void> {
  if (!away.value) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = returns.subscribe(() => {
      if (away.value) return;
      queueMicrotask(() => stop());
      resolve();
    });
  });
}
