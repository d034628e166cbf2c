// Which page an address means.

export type Route =
  | { page: "identify" }
  | { page: "recordings" }
  | { page: "result"; job: string }
  | { page: "review" }
  | { page: "listen" }
  | { page: "people" }
  | { page: "person"; speaker: string }
  | { page: "settings" }
  | { page: "unknown" };

/** The page of a path, without what stands behind the question mark. */
export function parse(path: string): Route {
  const parts = decoded(path);
  if (!parts) return { page: "unknown" };
  const [first, second] = parts;
  if (parts.length === 0) return { page: "identify" };
  if (
    parts.length === 1 &&
    (first === "recordings" || first === "review" || first === "listen" || first === "people" || first === "settings")
  )
    return { page: first };
  if (parts.length === 2 && first === "jobs" && second) return { page: "result", job: second };
  if (parts.length === 2 && first === "people" && second) return { page: "person", speaker: second };
  return { page: "unknown" };
}

function decoded(path: string): string[] | null {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return null; // a percent sign that begins no character
  }
}
