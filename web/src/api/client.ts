// Asking the server. Paths are the templates of the API reference: get("/v1/jobs/{jobId}", { path: { jobId } }).
import { signedOut } from "../session";

export interface FieldError {
  field: string;
  message: string;
}

/** What the server answered instead of what was asked for. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: FieldError[] = [],
  ) {
    super(message);
  }
}

export interface Options {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown; // sent as JSON; a Blob or text as it is
  signal?: AbortSignal;
}

const UNSAFE = { "X-Timbre-Web": "1" }; // other sites cannot send this, so that they cannot act with our cookie
export const UNREACHABLE = "The server does not answer. Look whether it still runs, and try again.";

/** The address of a route: its template with the path and query filled in. */
export function address(template: string, { path = {}, query = {} }: Options = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""));
  const asked = Object.entries(query).filter((entry) => entry[1] !== undefined && entry[1] !== null && entry[1] !== "");
  const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
  return search ? `${filled}?${search}` : filled;
}

/** The error that an answer means. */
export function apiError(status: number, text: string): ApiError {
  try {
    const said = JSON.parse(text) as { message?: string; errors?: FieldError[] };
    const fields = said.errors ?? [];
    const told = fields.map((each) => each.message).join("; ");
    return new ApiError(status, told || said.message || `The server answered ${status}.`, fields);
  } catch {
    return new ApiError(status, `The server answered ${status}.`);
  }
}

async function call<T>(method: string, template: string, options: Options = {}): Promise<T> {
  const { body, signal } = options;
  const raw = body instanceof Blob || typeof body === "string";
  const headers: Record<string, string> = { Accept: "application/json", ...(method === "GET" ? {} : UNSAFE) };
  if (body !== undefined && !raw) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(address(template, options), {
      method,
      headers,
      credentials: "same-origin",
      body: body === undefined ? null : raw ? body : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, UNREACHABLE);
  }
  const text = await answer.text();
  if (!answer.ok) {
    if (answer.status === 401 && !template.startsWith("/v1/session")) signedOut();
    throw apiError(answer.status, text);
  }
  const kind = answer.headers.get("Content-Type") ?? "";
  return (kind.startsWith("application/json") ? JSON.parse(text) : text) as T;
}

export const api = {
  get: <T>(template: string, options?: Options) => call<T>("GET", template, options),
  post: <T>(template: string, options?: Options) => call<T>("POST", template, options),
  patch: <T>(template: string, options?: Options) => call<T>("PATCH", template, options),
  delete: <T>(template: string, options?: Options) => call<T>("DELETE", template, options),
};

/** An error in words for people. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
