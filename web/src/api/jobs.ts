// Jobs: recordings on their way up, and what becomes of them.
import { back, lost } from "../connection";
import { length } from "../times";
import { ApiError, api, apiError, UNREACHABLE } from "./client";
import { FINAL, type Job, type ToldWords } from "./types";

type Underway = Pick<Job, "status" | "stage"> & Partial<Pick<Job, "progress" | "startedAt" | "updatedAt" | "ahead">>;

const TOLD = 0.05; // of the way, from which on the rest can be told by what it took
const SETTLED = 5; // seconds that it took

/** What a job does now, how far it is and for how long still, in words. */
export function stageWords(job: Underway): string {
  if (job.status === "pending" || job.status === "created") {
    if (!job.ahead) return "Waiting for its turn";
    return `Waiting for its turn, ${job.ahead} ${job.ahead === 1 ? "recording" : "recordings"} before it`;
  }
  const parts = [STAGES[job.stage ?? ""] ?? "Reading the recording"];
  if (job.progress) parts.push(`${Math.round(job.progress * 100)} %`);
  const left = secondsLeft(job);
  if (left !== null)
    parts.push(`about ${length(left < 60 ? Math.ceil(left / 5) * 5 : 60 * Math.ceil(left / 60))} left`);
  return parts.join(", ");
}

/** How long a job will still take, by how long it took so far; null where that is not known yet. */
export function secondsLeft({ progress, startedAt, updatedAt }: Underway): number | null {
  if (!progress || progress < TOLD || !startedAt || !updatedAt) return null;
  const took = (Date.parse(updatedAt) - Date.parse(startedAt)) / 1000; // by the clock of the server alone
  return took < SETTLED ? null : (took / progress) * (1 - progress);
}

const STAGES: Record<string, string> = {
  fetching: "Fetching the recording",
  speech: "Finding speech",
  segmentation: "Finding who speaks at once",
  voices: "Telling the voices apart",
  words: "Recognising the words",
};

/** Send a recording; answer the `media://` address it is now known by. */
export async function upload(
  file: Blob,
  name: string,
  { onProgress, signal }: { onProgress?: (part: number) => void; signal?: AbortSignal } = {},
): Promise<string> {
  const url = `media://web/${crypto.randomUUID()}/${safe(name)}`;
  const link = await api.post("/v1/media/input", { body: { url } });
  // Only our own host may be reached, by whatever name it was opened.
  const { pathname, search } = new URL(link.url, location.href);
  await put(pathname + search, file, onProgress, signal);
  return url;
}

/** A name that addresses can hold, and that still tells the kind of file. */
function safe(name: string): string {
  return (
    name
      .normalize("NFKD")
      .replace(/[^\w.-]+/g, "-")
      .replace(/^[-.]+/, "")
      .slice(-80) || "recording"
  );
}

// XMLHttpRequest, as fetch does not tell how much of a body is sent.
function put(url: string, file: Blob, onProgress?: (part: number) => void, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? resolve() : reject(apiError(request.status, request.responseText)));
    request.onerror = () => {
      lost();
      reject(new ApiError(0, UNREACHABLE));
    };
    request.onabort = () => reject(new DOMException("Canceled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

const AGAIN = 1000; // milliseconds until a stream that broke off is opened again

/** Follow a job until it has ended, and its words, if they are wanted; answer its last state, without the output. */
export async function follow(
  job: string,
  onChange: (job: Job) => void,
  signal?: AbortSignal,
  onWords?: (told: ToldWords) => void,
): Promise<Job> {
  for (;;) {
    try {
      return await listen(job, onChange, signal, onWords);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 0)) throw error;
      await back(); // the server went away; the job goes on when it is back
      signal?.throwIfAborted();
    }
  }
}

function listen(
  job: string,
  onChange: (job: Job) => void,
  signal?: AbortSignal,
  onWords?: (told: ToldWords) => void,
): Promise<Job> {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/v1/jobs/${job}/events${onWords ? "?words=true" : ""}`);
    const end = () => source.close();
    signal?.addEventListener("abort", () => {
      end();
      reject(new DOMException("Left", "AbortError"));
    });
    source.addEventListener("job", (event) => {
      const now = JSON.parse((event as MessageEvent<string>).data) as Job;
      onChange(now);
      if (FINAL.has(now.status)) {
        end();
        resolve(now);
      }
    });
    source.addEventListener("words", (event) =>
      onWords?.(JSON.parse((event as MessageEvent<string>).data) as ToldWords),
    );
    source.addEventListener("gone", () => {
      end();
      reject(new ApiError(404, "The recording was deleted meanwhile."));
    });
    source.onerror = () => {
      end();
      if (signal?.aborted) return;
      api.get("/v1/jobs/{jobId}", { path: { jobId: job } }).then((now) => {
        onChange(now);
        if (FINAL.has(now.status)) resolve(now);
        else setTimeout(() => reject(new ApiError(0, UNREACHABLE)), AGAIN);
      }, reject);
    };
  });
}
