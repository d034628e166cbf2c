// Who is signed in. The cookie itself is not for scripts; the server tells whose it is.
import { signal } from "@preact/signals";
import { api, words } from "./api/client";
import type { Session } from "./api/types";

/** undefined: not known yet; null: nobody is signed in. */
export const session = signal<Session | null | undefined>(undefined);
/** Why signing in did not work, or why one has to do it again. */
export const signInNote = signal("");

type Shown = { token: string } | { key: string } | { code: string; state: string; iss?: string };

export async function signIn(by: Shown): Promise<boolean> {
  try {
    session.value = await api.post("/v1/session", { body: by });
    signInNote.value = "";
    return true;
  } catch (error) {
    signInNote.value = words(error);
    return false;
  }
}

export async function signOut(): Promise<void> {
  if (session.value?.byProvider) {
    const { url } = await api.delete("/v1/session/provider");
    session.value = null;
    if (url) location.assign(url); // or one click would sign the next one in here
    return;
  }
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
