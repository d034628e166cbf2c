// How sure a name is: a bar, a number and a word, never a colour alone.
import { percent } from "./controls";

/** 93 → "very likely". */
export function likelihood(confidence: number): string {
  if (confidence >= 90) return "very likely";
  if (confidence >= 70) return "likely";
  if (confidence >= 40) return "maybe";
  return "unlikely";
}

export function Confidence({ value, name }: { value: number; name?: string }) {
  const word = likelihood(value);
  return (
    <span class="confidence" data-word={word.replace(" ", "-")}>
      <span class="confidence-bar" aria-hidden="true">
        <span style={{ width: percent(value / 100) }} />
      </span>
      <span class="small">
        {name && <span class="visually-hidden">{name}: </span>}
        {word} <span class="muted numbers">{Math.round(value)} of 100</span>
      </span>
    </span>
  );
}
