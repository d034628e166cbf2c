// What is said in each turn, where that is known: words given to turns by time and speaker, and changed by people.
import type { Output } from "../../api/types";

interface Spoken {
  label: string;
  match: string | null;
  start: number;
  end: number;
}

/** A word that was recognised, or handed in. */
export interface SpokenWord {
  place: number; // by which decisions mean it
  text: string;
}

export interface SpokenTurn {
  text: string;
  words: readonly SpokenWord[] | null; // null where only the segments of a transcript are known
}

interface Item {
  start: number;
  end: number;
  text: string;
  speaker: string;
  word?: number | undefined;
}

const FAR = 120; // seconds: a turn that began longer before something is said is not looked at
const COMPLETE = 0.9; // of what the segments say, that single words must say to be taken in their place

/**
 * What is said in each turn, which are in order of time. Words stay in the order of the transcript, so that two who talk
 * at once are not mixed up.
 */
export function wordsOf(turns: readonly Spoken[], output: Output): SpokenTurn[] {
  const segments = output.turnLevelTranscription ?? [];
  const words = output.wordLevelTranscription ?? [];
  const said: readonly Item[] = spelled(words) >= COMPLETE * spelled(segments) ? words : segments;
  const found: SpokenWord[][] = turns.map(() => []);
  if (!turns.length) return [];
  for (const [place, item] of said.entries())
    found[home(turns, item)]?.push({ place: item.word ?? place, text: item.text.trim() });
  return found.map((own) => ({
    text: own.map(({ text }) => text).join(" "),
    words: said === words && own.length ? own : null,
  }));
}

/** Which words read otherwise once what they say together is this text. */
export function reworded(words: readonly SpokenWord[], text: string): { word: number; text: string }[] {
  const before = words.flatMap((word, owner) => tokens(word.text).map((token) => ({ token, owner })));
  const after = tokens(text);
  const said: string[][] = words.map(() => []);
  let [old, now] = [0, 0];
  // Between words that stayed, the first new one stands for the first old one and so on; the last takes what is left.
  const settle = (oldEnd: number, nowEnd: number) => {
    for (; now < nowEnd; now++) {
      const place = old < oldEnd ? old++ : Math.max(0, oldEnd - 1);
      said[before[place]?.owner ?? 0]?.push(after[now] as string);
    }
    old = oldEnd;
  };
  for (const [at, to] of shared(
    before.map(({ token }) => token),
    after,
  )) {
    settle(at, to);
    said[before[at]?.owner ?? 0]?.push(after[to] as string);
    [old, now] = [at + 1, to + 1];
  }
  settle(before.length, after.length);
  return words.flatMap((word, index) => {
    const reads = said[index]?.join(" ") ?? "";
    return reads === word.text ? [] : [{ word: word.place, text: reads }];
  });
}

function tokens(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

const MOST_COMPARED = 4_000_000; // pairs; of what is longer, only what both begin and end with counts

/** The places of what two lists have in common, in order: the longest there is. */
function shared(left: readonly string[], right: readonly string[]): [number, number][] {
  let first = 0;
  while (first < left.length && first < right.length && left[first] === right[first]) first++;
  let last = 0;
  while (last < Math.min(left.length, right.length) - first && left.at(-1 - last) === right.at(-1 - last)) last++;
  const [rows, columns] = [left.length - first - last, right.length - first - last];
  const found: [number, number][] = Array.from({ length: first }, (_, place) => [place, place]);
  if (rows * columns <= MOST_COMPARED) {
    const width = columns + 1;
    const most = new Uint32Array((rows + 1) * width); // of what follows each pair of places
    for (let row = rows - 1; row >= 0; row--)
      for (let column = columns - 1; column >= 0; column--)
        most[row * width + column] =
          left[first + row] === right[first + column]
            ? 1 + (most[(row + 1) * width + column + 1] ?? 0)
            : Math.max(most[(row + 1) * width + column] ?? 0, most[row * width + column + 1] ?? 0);
    for (let [row, column] = [0, 0]; row < rows && column < columns;) {
      if (left[first + row] === right[first + column]) found.push([first + row++, first + column++]);
      else if ((most[(row + 1) * width + column] ?? 0) >= (most[row * width + column + 1] ?? 0)) row++;
      else column++;
    }
  }
  for (let place = last; place > 0; place--) found.push([left.length - place, right.length - place]);
  return found;
}

function spelled(items: readonly { text: string }[]): number {
  return items.reduce((sum, { text }) => sum + text.replace(/\s/g, "").length, 0);
}

/** Which turn something is said in: of who says it, as far as it can be, and with the longest part of it. */
function home(turns: readonly Spoken[], item: Item): number {
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
