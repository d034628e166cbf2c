// The waveform at every zoom: tiles of a stretch each, finer the closer one looks, as maps have them.
import { api } from "../../api/client";
import type { Peaks } from "../../api/types";
import { prepare, type View } from "./lanes";
import { marks } from "./ruler";

const PARTS = 2000; // of a tile, at most: what the server tells of a stretch
const FINEST = 0.01; // seconds of a part
const STEP = 3; // pixels from one bar to the next
const BAR = 2; // pixels
const RULER = 20; // pixels

interface Tile {
  peaks: ArrayLike<number>;
  start: number; // seconds
  end: number;
}

/** The tiles of a recording: half as long with every level, fetched when they are first looked at. */
export class Tiles {
  private readonly kept = new Map<string, Tile | null>(); // null: on its way, or not to be had
  private readonly deepest: number;
  private readonly loudest: number;

  constructor(
    private readonly job: string,
    private readonly duration: number,
    whole: Peaks,
    private readonly come: () => void,
  ) {
    this.deepest = Math.max(0, Math.floor(Math.log2(duration / PARTS / FINEST)));
    this.loudest = Math.max(1, ...whole.peaks) / 255;
    this.kept.set("0/0", { peaks: whole.peaks, start: 0, end: duration });
  }

  /** How loud it is at most between two times, 0 to 1 of the loudest moment; by the best that is there. */
  loud(from: number, to: number, level: number): number {
    for (let each = level; each >= 0; each--) {
      const tile = this.kept.get(this.key(each, from));
      if (!tile) continue;
      const scale = tile.peaks.length / Math.max(1e-6, tile.end - tile.start);
      const first = Math.floor((from - tile.start) * scale);
      const last = Math.max(first + 1, Math.ceil((to - tile.start) * scale));
      let most = 0;
      for (let part = Math.max(0, first); part < Math.min(last, tile.peaks.length); part++)
        most = Math.max(most, tile.peaks[part] ?? 0);
      return most / 255 / this.loudest;
    }
    return 0;
  }

  /** The level whose parts are no longer than this; its tiles of what is in view are fetched. */
  level(seconds: number, view: View): number {
    const wanted = Math.ceil(Math.log2(this.duration / PARTS / seconds));
    const level = Math.min(this.deepest, Math.max(0, wanted));
    const length = this.duration / 2 ** level;
    for (let at = Math.floor(view.start / length); at * length < Math.min(view.end, this.duration); at++)
      this.fetch(level, at, length);
    return level;
  }

  private key(level: number, time: number): string {
    return `${level}/${Math.floor((time / this.duration) * 2 ** level)}`;
  }

  private fetch(level: number, at: number, length: number): void {
    const key = `${level}/${at}`;
    if (this.kept.has(key)) return;
    this.kept.set(key, null);
    const query = { start: at * length, end: (at + 1) * length };
    api.get("/v1/jobs/{jobId}/peaks", { path: { jobId: this.job }, query }).then(
      (tile) => {
        this.kept.set(key, tile);
        this.come();
      },
      () => undefined, // the coarser ones do
    );
  }
}

/** Draw the waveform of what is in view, over a ruler. */
export function drawWave(canvas: HTMLCanvasElement, tiles: Tiles | null, view: View, duration: number): void {
  const prepared = prepare(canvas);
  if (!prepared) return;
  const { pen, width, height } = prepared;
  const style = getComputedStyle(canvas);
  const plain = (name: string) => style.getPropertyValue(name).trim();
  const tall = height - RULER;
  const step = (STEP * (view.end - view.start)) / width;
  if (tiles) {
    pen.fillStyle = plain("--wave");
    const level = tiles.level(step, view);
    const first = Math.floor(view.start / step);
    pen.beginPath();
    // Bars stand at fixed times, so that they do not flicker while one moves along.
    for (let bar = first; bar * step < Math.min(view.end, duration); bar++) {
      const loud = tiles.loud(Math.max(0, bar * step), (bar + 1) * step, level);
      const half = Math.max(0.5, (loud * tall) / 2);
      pen.rect((bar * step - view.start) / (step / STEP), tall / 2 - half, BAR, 2 * half);
    }
    pen.fill();
  }
  pen.fillStyle = plain("--text-muted");
  pen.font = `11px ${style.fontFamily}`;
  pen.textBaseline = "bottom";
  for (const { left, label } of marks(view, width, (text) => pen.measureText(text).width + 4)) {
    pen.globalAlpha = label ? 0.9 : 0.4;
    pen.fillRect(Math.round(left), tall + (label ? 4 : 13), 1, label ? RULER - 4 : RULER - 13);
    if (label) pen.fillText(label, left + 4, height - 3);
  }
  pen.globalAlpha = 1;
}
