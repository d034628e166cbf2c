// Asking the server. Paths are the templates of the API reference: get("/v1/jobs/{jobId}", { path: { jobId } }).
import { lost } from "../connection";
import { signedOut } from "../session";
import type { paths } from "./schema";

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

type Value = string | number | boolean | null | undefined;

export interface Options {
  path?: Record<string, string>;
  query?: Record<string, Value | readonly Value[]>; // a list is asked for by a name that comes several times
  body?: unknown; // sent as JSON; a Blob or text as it is
  signal?: AbortSignal;
}

// What the OpenAPI document says of every route: schema.ts is made from it.
type Method = "get" | "post" | "put" | "patch" | "delete";
type Route<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];
type Content<R> = R extends { content: { "application/json": infer B } }
  ? B
  : R extends { content: infer C }
    ? C[keyof C]
    : undefined;
type Answer<O> = O extends { responses: infer R }
  ? { [S in keyof R & (200 | 201 | 202 | 204)]: Content<R[S]> }[keyof R & (200 | 201 | 202 | 204)]
  : never;
type Taken<O> = O extends { requestBody?: infer R } ? NonNullable<R> : never; // never: it takes no JSON
type Json<R> = R extends { content: { "application/json": infer B } } ? B : Blob | string;
type Body<O> = [Taken<O>] extends [never] ? Blob | string : Json<Taken<O>>;
type Query<O> = O extends { parameters: { query?: infer Q } } ? { [K in keyof Q]?: Q[K] | null | undefined } : never;
type Places<O> = O extends { parameters: { path: infer P } } ? { path: { [K in keyof P]: string } } : { path?: never };
type Asked<O> = Places<O> & { query?: Query<O>; body?: Body<O>; signal?: AbortSignal };

const UNSAFE = { "X-Timbre-Web": "1" }; // other sites cannot send this, so that they cannot act with our cookie
export const UNREACHABLE = "The server does not answer. Look whether it still runs, and try again.";

/** The address of a route: its template with the path and query filled in. */
export function address(template: string, { path = {}, query = {} }: Options = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""));
  const asked = Object.entries(query)
    .flatMap(([name, values]) => [values].flat().map((value) => [name, String(value ?? "")]))
    .filter(([, value]) => value);
  const search = new URLSearchParams(asked).toString();
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
    lost();
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

function asking<M extends Method>(method: M) {
  return <P extends Route<M>>(
    template: P,
    ...options: Record<string, never> extends Places<paths[P][M]> ? [Asked<paths[P][M]>?] : [Asked<paths[P][M]>]
  ): Promise<Answer<paths[P][M]>> => call(method.toUpperCase(), template, options[0] as Options | undefined);
}

/** Ask a route of the server; what it takes and answers is checked by its template. */
export const api = {
  get: asking("get"),
  post: asking("post"),
  put: asking("put"),
  patch: asking("patch"),
  delete: asking("delete"),
};

/** An error in words for people. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
