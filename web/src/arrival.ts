// How a browser comes in: by a link, by a provider that sends it back, or signed in already.
import { ApiError, api, words } from "./api/client";
import { returns } from "./connection";
import { go } from "./router";
import { session, signIn, signInNote } from "./session";

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
