// Recordings on their way: sent up two at a time, then followed until they are heard. The queue outlives the page.
import { signal } from "@preact/signals";
import { announce } from "../../announce";
import { ApiError, api, words } from "../../api/client";
import { follow, stageWords, upload } from "../../api/jobs";
import { FINAL, type Job, outputOf } from "../../api/types";
import { back } from "../../connection";
import { isLong, notify } from "../../notify";
import { textOf } from "../../transcript";
import type { Options } from "./options";
import type { Added } from "./pairs";
import { submit } from "./submit";

export interface Entry {
  id: number;
  title: string;
  transcript?: string; // name of the file that came with it
  bytes: number; // 0: not known, as it was sent before this page was opened
  state: "waiting" | "sending" | "heard" | "done" | "failed";
  /** 0 to 1 of the whole way; sending it is the first part. */
  progress: number;
  words: string;
  job?: string;
  long?: boolean; // whether nobody waits for it
}

export const queue = signal<readonly Entry[]>([]);

const AT_ONCE = 2;
const SENDING = 0.3; // of the bar
const work = new Map<number, Added & { options: Options; stop: AbortController }>();
let last = 0;

/** Take recordings in; answers when all of them have ended. */
export async function add(files: readonly Added[], options: Options): Promise<void> {
  const entries = files.map((added): Entry => {
    const { file, name, transcript } = added;
    const id = ++last;
    work.set(id, { ...added, options, stop: new AbortController() });
    const more = transcript ? { transcript: transcript.name } : {};
    return { id, title: name, bytes: file.size, state: "waiting", progress: 0, words: "Waiting", ...more };
  });
  queue.value = [...entries, ...queue.value];
  await Promise.all(entries.map((entry) => slot(() => run(entry.id))));
}

export function retry(id: number): void {
  const before = work.get(id);
  if (!before) return;
  work.set(id, { ...before, stop: new AbortController() });
  change(id, { state: "waiting", progress: 0, words: "Waiting" });
  void slot(() => run(id));
}

/** Take a recording out of the queue; its job, if it has one that is not done, is canceled. */
export function remove(id: number): void {
  const entry = queue.value.find((each) => each.id === id);
  work.get(id)?.stop.abort();
  work.delete(id);
  queue.value = queue.value.filter((each) => each.id !== id);
  if (entry?.job && entry.state === "heard")
    void api.delete("/v1/jobs/{jobId}", { path: { jobId: entry.job } }).catch(() => undefined);
}

export function entry(id: number): Entry | undefined {
  return queue.value.find((each) => each.id === id);
}

function change(id: number, now: Partial<Entry>): void {
  queue.value = queue.value.map((each) => (each.id === id ? { ...each, ...now } : each));
}

async function run(id: number): Promise<void> {
  const given = work.get(id);
  if (!given) return;
  const { file, name, transcript, options, stop } = given;
  try {
    change(id, { state: "sending", words: "Sending" });
    const onProgress = (part: number) => change(id, { progress: part * SENDING, words: `Sending, ${percent(part)}` });
    const url = await upload(file, name, { onProgress, signal: stop.signal });
    const said = transcript ? await textOf(transcript.file) : null;
    const job = await submit(options, url, name, said);
    change(id, { state: "heard", job, progress: SENDING, words: "Waiting for its turn" });
    const ended = await follow(job, (now) => change(id, heard(now)), stop.signal);
    if (ended.status !== "succeeded") throw new ApiError(0, reason(ended));
    done(id, ended);
    work.delete(id);
  } catch (error) {
    if (stop.signal.aborted) return;
    change(id, { state: "failed", words: words(error) });
    announce(`${name} failed: ${words(error)}`);
  }
}

function done(id: number, job: Job): void {
  const title = entry(id)?.title ?? "The recording";
  change(id, { state: "done", progress: 1, words: "Done" });
  announce(`${title} is done.`);
  notify(job.jobId, title, "The recording is done.");
}

function heard(job: Job): Partial<Entry> {
  return { progress: SENDING + (1 - SENDING) * job.progress, words: stageWords(job), long: isLong(job.duration) };
}

const LOOK = 2000; // milliseconds between two looks at recordings that others, or an earlier page, sent
const MOST = 10; // of them, the newest
let looking = false;

/** Take in what is heard already: recordings of before the page was loaded, and of others of the team. */
export async function resume(): Promise<void> {
  const type: ("diarize" | "identify" | "label")[] = ["diarize", "identify", "label"];
  const found = await Promise.all(
    (["running", "created"] as const).map((status) => api.get("/v2/jobs", { query: { status, type, limit: MOST } })),
  );
  const known = new Set(queue.value.map((each) => each.job));
  const own = queue.value.some((each) => each.state === "sending"); // one of them may just be ours, without its id yet
  const fresh = own ? [] : found.flatMap(({ items }) => items).filter((item) => !known.has(item.id));
  const entries = fresh.slice(0, MOST).map((item): Entry => ({
    id: ++last,
    title: item.title ?? "A recording",
    bytes: 0,
    state: "heard",
    progress: SENDING,
    words: stageWords({ status: item.status }),
    job: item.id,
  }));
  queue.value = [...queue.value, ...entries];
  if (looking || !entries.length) return;
  looking = true;
  await look().finally(() => {
    looking = false;
  });
}

/** Look again and again how far those are that nobody follows, as long as there are any. */
async function look(): Promise<void> {
  for (;;) {
    const open = queue.value.filter((each) => each.state === "heard" && !work.has(each.id));
    if (!open.length) return;
    for (const { id, job = "" } of open) {
      try {
        const now = await api.get("/v1/jobs/{jobId}", { path: { jobId: job } });
        if (!FINAL.has(now.status)) change(id, heard(now));
        else if (now.status === "succeeded") done(id, now);
        else change(id, { state: "failed", words: reason(now) });
      } catch (error) {
        if (error instanceof ApiError && error.status === 0) await back();
        else queue.value = queue.value.filter((each) => each.id !== id); // it is gone, or one was signed out
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

function reason(job: Job): string {
  if (job.status === "canceled") return "It was canceled.";
  return outputOf(job)?.error ?? "It could not be heard.";
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

// A place in the queue: at most so many are sent and heard at once.
let taken = 0;
const waiting: (() => void)[] = [];

async function slot(act: () => Promise<void>): Promise<void> {
  if (taken >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  taken++;
  try {
    await act();
  } finally {
    taken--;
    waiting.shift()?.();
  }
}

/** Whether closing the page would lose something. */
addEventListener("beforeunload", (event) => {
  if (queue.value.some((each) => each.state === "waiting" || each.state === "sending")) event.preventDefault();
});
