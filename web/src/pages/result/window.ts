// Of a long list only what is in view is drawn, with some rows above and below; rows are as tall as what they hold.
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

const SHORT = 200; // rows: a list of no more is drawn as a whole
const BEYOND = 30; // rows above and below
const FIRST_GUESS = 40; // pixels of a row that holds no words, until one was measured
const LINE = 20; // pixels of a line of words
const LETTER = 7.2; // pixels of a letter, about
const STILL = 0.5; // pixels that a row may differ from what was measured before

export interface WindowRow {
  id: string;
  words: string;
}

export interface Window {
  first: number; // row
  last: number; // row after the last
  above: number; // pixels that are left out
  below: number;
  show: (row: number) => void; // scroll to it
}

/** What is drawn of the rows of a list. */
export function useWindow(list: RefObject<HTMLElement | null>, rows: readonly WindowRow[]): Window {
  const count = rows.length;
  const [view, setView] = useState({ first: 0, last: 2 * BEYOND });
  const [measured, setMeasured] = useState(0);
  const heights = useRef(new Map<string, number>());
  const wide = list.current?.clientWidth || 400;
  const tops = useMemo(() => offsets(rows, heights.current, wide), [rows, measured]);
  const now = useRef({ tops, rows });
  now.current = { tops, rows };

  useEffect(() => {
    const own = list.current;
    if (!own || count <= SHORT) return;
    let asked = 0;
    const look = () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => {
        const next = inView(own.scrollTop, own.clientHeight, now.current.tops);
        setView((before) => (before.first === next.first && before.last === next.last ? before : next));
      });
    };
    look();
    own.addEventListener("scroll", look, { passive: true });
    const size = new ResizeObserver(look);
    size.observe(own);
    return () => {
      own.removeEventListener("scroll", look);
      size.disconnect();
      cancelAnimationFrame(asked);
    };
  }, [list, count]);

  const first = count <= SHORT ? 0 : Math.min(view.first, count);
  const last = count <= SHORT ? count : Math.min(view.last, count);

  useLayoutEffect(() => {
    if (count <= SHORT || !list.current) return;
    let changed = false;
    [...list.current.children].forEach((child, place) => {
      const id = rows[first + place]?.id;
      const tall = (child as HTMLElement).offsetHeight;
      if (!id || !tall || Math.abs(tall - (heights.current.get(id) ?? 0)) <= STILL) return;
      heights.current.set(id, tall);
      changed = true;
    });
    if (changed) setMeasured((before) => before + 1);
  }, [rows, first, last]);

  const show = (row: number) => {
    const own = list.current;
    if (!own) return;
    const drawn = count <= SHORT ? own.children[row] : undefined;
    const top = drawn
      ? own.scrollTop + drawn.getBoundingClientRect().top - own.getBoundingClientRect().top
      : (now.current.tops[row] ?? 0);
    own.scrollTop = top - own.clientHeight / 3;
  };
  if (count <= SHORT) return { first, last, above: 0, below: 0, show };
  return { first, last, above: tops[first] ?? 0, below: (tops[count] ?? 0) - (tops[last] ?? 0), show };
}

/** Where each row begins, and where the last one ends, in pixels. */
export function offsets(rows: readonly WindowRow[], heights: ReadonlyMap<string, number>, wide: number): Float64Array {
  const tops = new Float64Array(rows.length + 1);
  rows.forEach(({ id, words }, index) => {
    const guess = FIRST_GUESS + (words ? LINE * Math.ceil((words.length * LETTER) / wide) : 0);
    tops[index + 1] = (tops[index] as number) + (heights.get(id) ?? guess);
  });
  return tops;
}

/** The rows around what is seen; moved by whole steps, so that scrolling does not draw anew with every row. */
export function inView(top: number, seen: number, tops: Float64Array): { first: number; last: number } {
  const count = tops.length - 1;
  const step = BEYOND / 2;
  const first = Math.max(0, Math.min(Math.floor(rowAt(tops, top) / step) * step - BEYOND, count));
  const end = Math.ceil((rowAt(tops, top + seen) + 1) / step) * step;
  return { first, last: Math.min(count, end + BEYOND) };
}

function rowAt(tops: Float64Array, top: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] as number) <= top) low = middle;
    else high = middle - 1;
  }
  return low;
}
