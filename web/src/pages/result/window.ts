// Of a long list only what is in view is drawn, with some rows above and below; all rows are of one height.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

const SHORT = 200; // rows: a list of no more is drawn as a whole
const BEYOND = 30; // rows above and below
const FIRST_GUESS = 40; // pixels of a row, until one was measured

export interface Window {
  first: number; // row
  last: number; // row after the last
  above: number; // pixels that are left out
  below: number;
  show: (row: number) => void; // scroll to it
}

/** What is drawn of rows that a list has in all. */
export function useWindow(list: RefObject<HTMLElement | null>, count: number): Window {
  const [view, setView] = useState({ first: 0, last: SHORT, height: FIRST_GUESS });

  useEffect(() => {
    const own = list.current;
    if (!own || count <= SHORT) return;
    let asked = 0;
    const look = () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => {
        const height = own.querySelector("li")?.offsetHeight || FIRST_GUESS;
        setView((before) => {
          const next = inView(own.scrollTop, own.clientHeight, height, count);
          return before.first === next.first && before.last === next.last && before.height === height
            ? before
            : { ...next, height };
        });
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

  const show = (row: number) => {
    const own = list.current;
    if (own) own.scrollTop = row * view.height - own.clientHeight / 3;
  };
  if (count <= SHORT) return { first: 0, last: count, above: 0, below: 0, show };
  const first = Math.min(view.first, count);
  const last = Math.min(view.last, count);
  return { first, last, above: first * view.height, below: (count - last) * view.height, show };
}

/** The rows around what is seen; moved by whole steps, so that scrolling does not draw anew with every row. */
export function inView(top: number, seen: number, height: number, count: number): { first: number; last: number } {
  const step = BEYOND / 2;
  const row = Math.floor(top / height / step) * step;
  const first = Math.max(0, Math.min(row - BEYOND, count));
  return { first, last: Math.min(count, row + Math.ceil(seen / height) + BEYOND + step) };
}
