// Who is signed in. The cookie itself is not for scripts; the server tells whose it is.
import { signal } from "@preact/signals";
import { ApiError, api, words } from "./api/client";
import type { Session } from "./api/types";
import { returns } from "./connection";
import { go } from "./router";

/** undefined: not known yet; null: nobody is signed in. */
export const session = signal<Session | null | undefined>(undefined);
/** Why signing in did not work, or why one has to do it again. */
export const signInNote = signal("");

const LINK = /^#sign-in=([\w-]+)$/;
const RETURN = "/signed-in"; // where a provider sends the browser back to
const LEFT = "timbre-left"; // the page that somebody left to sign in

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

/** Use the link or what a provider gave us, or find out whether the browser is signed in already. */
async function beginSession(): Promise<void> {
  if (location.pathname === RETURN && (await comeBack())) return;
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

/** Hand in what a provider sent the browser back with, from the page that was left to sign in. */
async function comeBack(): Promise<boolean> {
  const came = new URLSearchParams(location.search);
  go(sessionStorage.getItem(LEFT) ?? "/", { replace: true }); // a used code is no use in the history
  sessionStorage.removeItem(LEFT);
  const [code, state, iss] = [came.get("code"), came.get("state"), came.get("iss")];
  if (code && state) return signIn({ code, state, ...(iss ? { iss } : {}) });
  signInNote.value = `You were not signed in: the provider says ${came.get("error") ?? "nothing"}.`;
  return false;
}

/** Leave for the provider, which sends the browser back. */
export async function signInElsewhere(): Promise<void> {
  try {
    const { url } = await api.post("/v1/session/provider");
    sessionStorage.setItem(LEFT, location.pathname + location.search);
    if (url) location.assign(url);
  } catch (error) {
    signInNote.value = words(error);
  }
}

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
