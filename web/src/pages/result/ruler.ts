// Marks of a ruler: as many as have room for their labels, at times that people count in.
import { clock } from "../../times";
import type { View } from "./lanes";

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
const APART = 14; // pixels between two labels at least
const LEAST = 6; // pixels between two marks

export interface Mark {
  left: number; // pixels
  label: string | null; // what is written to the right of it
}

/** The marks of what is in view; `wide` tells how many pixels a label takes. */
export function marks(view: View, width: number, wide: (label: string) => number): Mark[] {
  const scale = width / Math.max(1e-6, view.end - view.start);
  const step = STEPS.find((each) => each * scale >= wide(written(view.end, each)) + APART) ?? 2 * 86400;
  const parts = [10, 5, 2].find((each) => (step / each) * scale >= LEAST) ?? 1;
  const found: Mark[] = [];
  const first = Math.ceil((view.start / step) * parts - 1e-6);
  for (let number = first; (number * step) / parts <= view.end; number++) {
    const left = ((number * step) / parts - view.start) * scale;
    const label = number % parts ? null : written((number / parts) * step, step);
    found.push({ left, label: label && left + wide(label) <= width ? label : null });
  }
  return found;
}

function written(seconds: number, step: number): string {
  return clock(seconds, { tenths: step < 1 });
}
