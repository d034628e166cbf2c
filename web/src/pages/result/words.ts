// What is said in each turn, where that is known: the words of a transcript, given to turns by time and speaker.
import type { Output } from "../../api/types";

interface Spoken {
  label: string;
  match: string | null;
  start: number;
  end: number;
}

const FAR = 120; // seconds: a turn that began longer before something is said is not looked at
const COMPLETE = 0.9; // of what the segments say, that single words must say to be taken in their place

/**
 * The words of each turn, which are in order of time; empty where nothing is said in one. Words stay in the order of the
 * transcript, so that two who talk at once are not mixed up.
 */
export function wordsOf(turns: readonly Spoken[], output: Output): string[] {
  const segments = output.turnLevelTranscription ?? [];
  const words = output.wordLevelTranscription ?? [];
  const said = spelled(words) >= COMPLETE * spelled(segments) ? words : segments;
  const found: string[][] = turns.map(() => []);
  if (!turns.length) return [];
  for (const item of said) found[home(turns, item)]?.push(item.text.trim());
  return found.map((texts) => texts.join(" "));
}

function spelled(items: readonly { text: string }[]): number {
  return items.reduce((sum, { text }) => sum + text.replace(/\s/g, "").length, 0);
}

/** Which turn something is said in: of who says it, as far as it can be, and with the longest part of it. */
function home(turns: readonly Spoken[], item: { start: number; end: number; speaker: string }): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let index = lastBefore(turns, item.end + FAR); index >= 0; index--) {
    const turn = turns[index] as Spoken;
    if (item.start - turn.start > FAR && most > Number.NEGATIVE_INFINITY) break;
    const shared = Math.min(turn.end, item.end) - Math.max(turn.start, item.start); // less than nothing: how far away
    const theirs = turn.match === item.speaker || turn.label === item.speaker;
    const score = shared + (theirs && shared > 0 ? FAR : 0);
    if (score > most) [best, most] = [index, score];
  }
  return best;
}

function lastBefore(turns: readonly Spoken[], time: number): number {
  let low = 0;
  let high = turns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((turns[middle] as Spoken).start <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How a text is compared: without regard to case and accents. */
export function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
