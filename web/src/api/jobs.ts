// Jobs: recordings on their way up, and what becomes of them.
import { ApiError, api, apiError, UNREACHABLE } from "./client";
import { FINAL, type Job } from "./types";

/** What a job does now, in words. */
export function stageWords(job: Pick<Job, "status" | "stage">): string {
  if (job.status === "pending" || job.status === "created") return "Waiting for its turn";
  return STAGES[job.stage ?? ""] ?? "Reading the recording";
}

const STAGES: Record<string, string> = {
  fetching: "Fetching the recording",
  speech: "Finding speech",
  segmentation: "Finding who speaks at once",
  voices: "Telling the voices apart",
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
    request.onerror = () => reject(new ApiError(0, UNREACHABLE));
    request.onabort = () => reject(new DOMException("Canceled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** Follow a job until it has ended; answer its last state, without the output. */
export function follow(job: string, onChange: (job: Job) => void, signal?: AbortSignal): Promise<Job> {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/v1/jobs/${job}/events`);
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
    source.addEventListener("gone", () => {
      end();
      reject(new ApiError(404, "The recording was deleted meanwhile."));
    });
    source.onerror = () => {
      // The browser tries again by itself, unless the server refused.
      if (source.readyState !== EventSource.CLOSED) return;
      api.get("/v1/jobs/{jobId}", { path: { jobId: job } }).then((now) => {
        onChange(now);
        if (FINAL.has(now.status)) resolve(now);
        else reject(new ApiError(0, UNREACHABLE));
      }, reject);
    };
  });
}
