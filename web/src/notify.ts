// Telling of long recordings that are done while one looks elsewhere, if one wants to be told.
import { signal } from "@preact/signals";

const KEY = "timbre-notify";
const LONG = 600; // seconds of a recording that one does not wait for

/** Whether it may be asked: it can be done, and was neither allowed nor declined before. */
export const offered = signal(
  "Notification" in window && Notification.permission === "default" && localStorage.getItem(KEY) === null,
);

/** Ask the browser, or never again. */
export async function decideNotify(wanted: boolean): Promise<void> {
  localStorage.setItem(KEY, wanted ? "asked" : "declined");
  offered.value = false;
  if (wanted) await Notification.requestPermission();
}

export function isLong(seconds: number | undefined): boolean {
  return (seconds ?? 0) >= LONG;
}

/** Tell that a recording is done, unless one looks at the page. */
export function notify(job: string, title: string, words: string): void {
  if (!("Notification" in window) || Notification.permission !== "granted" || !document.hidden) return;
  const told = new Notification(title, { body: words, tag: job, icon: "/favicon.svg" });
  told.onclick = () => {
    window.focus();
    location.assign(`/jobs/${job}`);
  };
}
