// Which page is shown: the history API, and links that are links.
import { computed, signal } from "@preact/signals";

export type Route =
  | { page: "identify" }
  | { page: "recordings" }
  | { page: "result"; job: string }
  | { page: "people" }
  | { page: "person"; speaker: string }
  | { page: "settings" }
  | { page: "unknown" };

const here = signal(location.pathname + location.search);

export const route = computed<Route>(() => parse(here.value.split("?")[0] ?? "/"));
/** What stands behind the question mark. */
export const query = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));

function parse(path: string): Route {
  const parts = path.split("/").filter(Boolean).map(decoded);
  const [first, second] = parts;
  if (parts.length === 0) return { page: "identify" };
  if (parts.length === 1 && (first === "recordings" || first === "people" || first === "settings"))
    return { page: first };
  if (parts.length === 2 && first === "jobs" && second) return { page: "result", job: second };
  if (parts.length === 2 && first === "people" && second) return { page: "person", speaker: second };
  return { page: "unknown" };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // no text is written like this, so that no page has it
  }
}

export function go(to: string, { replace = false } = {}): void {
  if (to !== location.pathname + location.search) {
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
  }
  const before = here.value.split("?")[0];
  here.value = to;
  if (before !== to.split("?")[0]) scrollTo(0, 0);
}

/** Follow plain clicks on our own links without loading the page anew. */
export function startRouter(): void {
  addEventListener("popstate", () => {
    here.value = location.pathname + location.search;
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (/^\/v\d/.test(link.pathname) || link.getAttribute("href")?.startsWith("#")) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
