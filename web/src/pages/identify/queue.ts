// Recordings on their way: sent up two at a time, then followed until they are heard. The queue outlives the page.
import { signal } from "@preact/signals";
import { announce } from "../../announce";
import { ApiError, api, words } from "../../api/client";
import { follow, stageWords, upload } from "../../api/jobs";
import { type Job, outputOf } from "../../api/types";
import { type Options, submit } from "./options";

export interface Entry {
  id: number;
  title: string;
  bytes: number;
  state: "waiting" | "sending" | "heard" | "done" | "failed";
  /** 0 to 1 of the whole way; sending it is the first part. */
  progress: number;
  words: string;
  job?: string;
}

export const queue = signal<readonly Entry[]>([]);

const AT_ONCE = 2;
const SENDING = 0.3; // of the bar
const work = new Map<number, { file: Blob; name: string; options: Options; stop: AbortController }>();
let last = 0;

/** Take recordings in; answers when all of them have ended. */
export async function add(files: readonly { file: Blob; name: string }[], options: Options): Promise<void> {
  const entries = files.map(({ file, name }): Entry => {
    const id = ++last;
    work.set(id, { file, name, options, stop: new AbortController() });
    return { id, title: name, bytes: file.size, state: "waiting", progress: 0, words: "Waiting" };
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
  const { file, name, options, stop } = given;
  try {
    change(id, { state: "sending", words: "Sending" });
    const onProgress = (part: number) => change(id, { progress: part * SENDING, words: `Sending, ${percent(part)}` });
    const url = await upload(file, name, { onProgress, signal: stop.signal });
    const job = await submit(options, url, name);
    change(id, { state: "heard", job, progress: SENDING, words: "Waiting for its turn" });
    const ended = await follow(job, (now) => change(id, heard(now)), stop.signal);
    if (ended.status !== "succeeded") throw new ApiError(0, reason(ended));
    change(id, { state: "done", progress: 1, words: "Done" });
    work.delete(id);
    announce(`${name} is done.`);
  } catch (error) {
    if (stop.signal.aborted) return;
    change(id, { state: "failed", words: words(error) });
    announce(`${name} failed: ${words(error)}`);
  }
}

function heard(job: Job): Partial<Entry> {
  return { progress: SENDING + (1 - SENDING) * job.progress, words: stageWords(job) };
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
