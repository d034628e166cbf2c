// Words while they are being recognised: provisional, and forgotten when the result is there.
import type { ToldWords, WordSoFar } from "../../api/types";
import { numberOf } from "./recording";

/** What is said in one go. */
export interface LineSoFar {
  id: string;
  start: number;
  name: string | null; // of the voice, as it is called without a name
  words: string;
}

export function withTold(before: readonly WordSoFar[], { first, words }: ToldWords): WordSoFar[] {
  return [...before.slice(0, first), ...words];
}

const PAUSE = 2; // seconds without a word, after which a line begins
const SENTENCES = 160; // letters, after which a line ends with its sentence as long as nobody knows who speaks

/** Words in lines: one for each change of the speaker, or for some sentences where that is not known. */
export function inLines(words: readonly WordSoFar[]): LineSoFar[] {
  const lines: LineSoFar[] = [];
  let last: WordSoFar | undefined;
  for (const word of words) {
    const line = lines.at(-1);
    const full = !word.speaker && (line?.words.length ?? 0) > SENTENCES && /[.?!…。？！]$/.test(last?.text ?? "");
    if (!line || !last || full || word.speaker !== last.speaker || word.start - last.end > PAUSE)
      lines.push({ id: String(lines.length), start: word.start, name: called(word.speaker), words: word.text });
    else line.words += ` ${word.text}`;
    last = word;
  }
  return lines;
}

function called(label: string | undefined): string | null {
  const number = label === undefined ? null : numberOf(label);
  return number === null ? null : `Voice ${number}`;
}
