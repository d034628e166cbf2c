// Who is signed in. The cookie itself is not for scripts; the server tells whose it is.
import { signal } from "@preact/signals";
import { ApiError, api } from "./api/client";
import type { Session } from "./api/types";
import { returns } from "./connection";

/** undefined: not known yet; null: nobody is signed in. */
export const session = signal<Session | null | undefined>(undefined);
/** Why signing in did not work, or why one has to do it again. */
export const signInNote = signal("");

const LINK = /^#sign-in=([\w-]+)$/;

/** Sign in by the link that the page was opened with, or that is opened where it is shown already. */
export function startSession(): void {
  addEventListener("hashchange", () => {
    if (LINK.test(location.hash)) void beginSession();
  });
  returns.subscribe((times) => {
    if (times && session.value === null) void beginSession(); // it may not have answered before
  });
  void beginSession();
}

/** Use the link, or find out whether the browser is signed in already. */
async function beginSession(): Promise<void> {
  const token = LINK.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", location.pathname + location.search); // a used token is no use in the history
    if (await signIn({ token })) return;
  }
  try {
    session.value = await api.get("/v1/session");
    signInNote.value = "";
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) signInNote.value = error.message;
    session.value = null;
  }
}

export async function signIn(by: { token: string } | { key: string }): Promise<boolean> {
  try {
    session.value = await api.post("/v1/session", { body: by });
    signInNote.value = "";
    return true;
  } catch (error) {
    signInNote.value = error instanceof Error ? error.message : String(error);
    return false;
  }
}

export async function signOut(): Promise<void> {
  await api.delete("/v1/session");
  session.value = null;
}

/** The server does not know the session any more. */
export function signedOut(): void {
  if (session.value) signInNote.value = "You were signed out: the session ended, or its key was revoked.";
  session.value = null;
}

export function may(scope: string): boolean {
  return session.value?.scopes.includes(scope) ?? false;
}
