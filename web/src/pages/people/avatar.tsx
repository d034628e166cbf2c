// A face for a voice: initials on a colour that stays the person's.
import "./avatar.css";

const COLOURS = 8; // --voice-0 … --voice-7

/** "Ada Lovelace" → "AL"; "ada" → "A". */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = (word: string | undefined) =>
    word ? ([...word].find((each) => /[\p{L}\p{N}]/u.test(each)) ?? "") : "";
  return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : "")).toLocaleUpperCase() || "?";
}

/** A colour of its own for every id, the same on every page and in every session. */
export function colour(id: string): string {
  let hash = 0;
  for (const letter of id) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
  return `var(--voice-${(hash ^ (hash >>> 13)) % COLOURS})`;
}

export function Avatar({
  id,
  name,
  size = "medium",
}: {
  id: string;
  name: string;
  size?: "small" | "medium" | "large";
}) {
  return (
    <span class={`avatar ${size}`} style={{ background: colour(id) }} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
