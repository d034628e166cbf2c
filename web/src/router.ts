// Which page is shown: the history API, and links that are links.
import { computed, signal } from "@preact/signals";
import { parse, type Route } from "./routes";

const here = signal(location.pathname + location.search);

export const route = computed<Route>(() => parse(here.value.split("?")[0] ?? "/"));
/** What stands behind the question mark. */
export const query = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));

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
