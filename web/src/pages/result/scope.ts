// What of a recording is in view: moved, and zoomed around a moment.
import { signal } from "@preact/signals";
import type { View } from "./lanes";

export const STEP = 1.6; // of the zoom
const CLOSEST = 240; // pixels a second
const AHEAD = 0.1; // of the view, that is left before what it follows

export class Scope {
  readonly view = signal<View>({ start: 0, end: 0 });
  width = 1000; // pixels
  private duration = 0;

  /** How long the recording is; it is seen as a whole if it was before. */
  setDuration(duration: number): void {
    const whole = !this.zoomed;
    this.duration = duration;
    if (whole) this.view.value = { start: 0, end: duration };
    else this.set(this.view.peek().start, this.span);
  }

  get span(): number {
    const { start, end } = this.view.peek();
    return end - start;
  }

  get zoomed(): boolean {
    return this.span < 0.999 * this.duration;
  }

  zoom(by: number, around?: number): void {
    const { start } = this.view.peek();
    const middle = around ?? start + this.span / 2;
    const span = Math.max(Math.min(this.duration, this.width / CLOSEST), this.span / by);
    this.set(middle - ((middle - start) / this.span) * span, span);
  }

  move(seconds: number): void {
    this.set(this.view.peek().start + seconds, this.span);
  }

  centre(time: number): void {
    this.set(time - this.span / 2, this.span);
  }

  shows(time: number): boolean {
    const { start, end } = this.view.peek();
    return time >= start && time <= end;
  }

  /** Move on to a time that has left the view. */
  follow(time: number): void {
    if (!this.shows(time)) this.set(time - AHEAD * this.span, this.span);
  }

  time(part: number): number {
    return this.view.peek().start + part * this.span;
  }

  private set(start: number, span: number): void {
    const length = Math.min(span, this.duration);
    const from = Math.max(0, Math.min(start, this.duration - length));
    this.view.value = { start: from, end: from + length };
  }
}
