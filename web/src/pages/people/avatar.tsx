// A face for a voice: initials on a colour that stays the person's.
import "./avatar.css";

const COLOURS = 7; // --voice-0 … --voice-6; the last one is grey

/** "Ada Lovelace" → "AL"; "ada" → "A". */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = (word: string | undefined) =>
    word ? ([...word].find((each) => /[\p{L}\p{N}]/u.test(each)) ?? "") : "";
  return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : "")).toLocaleUpperCase() || "?";
}

/** A colour of its own for every id, the same on every page and in every session: n of --voice-n. */
export function hue(id: string): number {
  let hash = 0x811c9dc5; // FNV-1a, then mixed once more: ids that were made one after the other begin alike
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return ((hash ^ (hash >>> 16)) >>> 0) % COLOURS;
}

export function colour(id: string): string {
  return `var(--voice-${hue(id)})`;
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
