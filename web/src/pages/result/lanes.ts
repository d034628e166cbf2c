// Drawing turns: a lane a voice, and the same in small for the overview. Only what is in view is drawn.
import { began, called, type Recording, type TurnView } from "./recording";

export interface View {
  start: number; // seconds at the left edge
  end: number; // seconds at the right edge
}

const BAR = 0.56; // of a lane's height
const LABELLED_BAR = 0.4; // where the name stands above it
const LEAST = 2; // pixels: the shortest turn is still seen
const LOOK_BACK = 600; // seconds: longer turns are rare, and clipped at the left only while they are zoomed into

/** Pixels; with labels, a name stands inside the lane. */
export function laneHeight(voices: number, labels: boolean): number {
  if (labels) return 38;
  return voices <= 6 ? 30 : voices <= 12 ? 24 : 18;
}

/** Give a canvas as many pixels as its place on the screen has; answer its pen and size. */
export function prepare(
  canvas: HTMLCanvasElement,
): { pen: CanvasRenderingContext2D; width: number; height: number } | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  const sharp = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * sharp)) canvas.width = Math.round(width * sharp);
  if (canvas.height !== Math.round(height * sharp)) canvas.height = Math.round(height * sharp);
  const pen = canvas.getContext("2d");
  if (!pen || !width) return null;
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

function colours(canvas: HTMLCanvasElement): { of: (hue: number) => string; plain: (name: string) => string } {
  const style = getComputedStyle(canvas);
  const plain = (name: string) => style.getPropertyValue(name).trim();
  const voices = Array.from({ length: 8 }, (_, index) => plain(`--voice-${index}`));
  return { of: (hue) => voices[hue] ?? "", plain };
}

/** Where a turn is drawn, in pixels. */
export interface Bar {
  turn: TurnView;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The bars of the turns that are in view, on lanes of this size, by the start of their turns. */
export function bars(
  { voices, turns }: Recording,
  view: View,
  { width, height }: { width: number; height: number },
  labels: boolean,
): Bar[] {
  const lane = height / Math.max(1, voices.length);
  const scale = width / Math.max(0.001, view.end - view.start);
  const bar = Math.round(lane * (labels ? LABELLED_BAR : BAR));
  const found: Bar[] = [];
  for (let index = Math.max(0, began(turns, view.start - LOOK_BACK)); index < turns.length; index++) {
    const turn = turns[index] as TurnView;
    if (turn.start > view.end) break;
    if (turn.end < view.start) continue;
    found.push({
      turn,
      left: (turn.start - view.start) * scale,
      top: turn.voice.index * lane + (labels ? lane - bar - 3 : (lane - bar) / 2),
      width: Math.max(LEAST, (turn.end - turn.start) * scale),
      height: bar,
    });
  }
  return found;
}

/** What is seen of turns beside where they are. */
export interface Drawn {
  active: number; // index of the turn that is heard
  selected: ReadonlySet<string>; // ids of turns
  labels: boolean;
  edge: number | null; // seconds: where an edge is being dragged to
  area: Area | null; // what is being selected
}

/** A part of the lanes: from one corner to the other, in seconds and in parts of their height. */
export interface Area {
  times: [number, number];
  heights: [number, number]; // 0 to 1
}

/** The turns whose bars are in an area, by id. */
export function turnsWithin({ voices, turns }: Recording, { times, heights }: Area): string[] {
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const lane = (height: number) => Math.floor(Math.min(0.999, Math.max(0, height)) * voices.length);
  const [first, last] = [lane(Math.min(...heights)), lane(Math.max(...heights))];
  return turns
    .filter(({ start, end, voice }) => start < to && end > from && voice.index >= first && voice.index <= last)
    .map((turn) => turn.id);
}

export function drawLanes(
  canvas: HTMLCanvasElement,
  recording: Recording,
  view: View,
  { active, selected, labels, edge, area }: Drawn,
): void {
  const prepared = prepare(canvas);
  if (!prepared) return;
  const { pen, width, height } = prepared;
  const { voices } = recording;
  const colour = colours(canvas);
  const lane = height / Math.max(1, voices.length);
  pen.fillStyle = colour.plain("--line");
  for (let index = 1; index < voices.length; index++) pen.fillRect(0, Math.round(index * lane), width, 1);
  for (const bar of bars(recording, view, { width, height }, labels)) {
    const { turn } = bar;
    pen.fillStyle = colour.of(turn.voice.hue);
    const marked = turn.index === active || selected.has(turn.id);
    pen.globalAlpha = marked ? 1 : 0.78;
    pen.beginPath();
    pen.roundRect(bar.left, bar.top, bar.width, bar.height, Math.min(4, bar.width / 2));
    pen.fill();
    if (marked) {
      pen.lineWidth = 2;
      pen.strokeStyle = colour.plain("--text");
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
  if (edge !== null) {
    pen.fillStyle = colour.plain("--accent");
    pen.fillRect(((edge - view.start) / Math.max(0.001, view.end - view.start)) * width - 1, 0, 2, height);
  }
  if (area) {
    const [left, right] = area.times.map((time) => ((time - view.start) / (view.end - view.start)) * width);
    const [top, bottom] = area.heights.map((part) => part * height);
    pen.fillStyle = pen.strokeStyle = colour.plain("--accent");
    pen.lineWidth = 1;
    const box = [left ?? 0, top ?? 0, (right ?? 0) - (left ?? 0), (bottom ?? 0) - (top ?? 0)] as const;
    pen.globalAlpha = 0.15;
    pen.fillRect(...box);
    pen.globalAlpha = 1;
    pen.strokeRect(...box);
  }
  if (!labels) return;
  pen.font = `600 11px ${getComputedStyle(canvas).fontFamily}`;
  pen.textBaseline = "top";
  pen.fillStyle = colour.plain("--text");
  for (const voice of voices) pen.fillText(called(voice), 1, voice.index * lane + 5);
}

// The overview without its frame: drawn once, as the frame moves many times.
let kept: { turns: readonly TurnView[]; key: string; picture: HTMLCanvasElement } | null = null;

export function drawOverview(canvas: HTMLCanvasElement, recording: Recording, view: View): void {
  const prepared = prepare(canvas);
  const { turns, duration } = recording;
  if (!prepared || !duration) return;
  const { pen, width, height } = prepared;
  const colour = colours(canvas);
  const key = [canvas.width, canvas.height, colour.of(0)].join();
  if (kept?.turns !== turns || kept.key !== key)
    kept = { turns, key, picture: wholePicture(canvas, recording, colour.of) };
  pen.drawImage(kept.picture, 0, 0, width, height);
  if (view.end - view.start > 0.995 * duration) return;
  const scale = width / duration;
  const left = view.start * scale;
  const right = view.end * scale;
  pen.fillStyle = colour.plain("--surface");
  pen.globalAlpha = 0.7;
  pen.fillRect(0, 0, left, height);
  pen.fillRect(right, 0, width - right, height);
  pen.globalAlpha = 1;
  pen.strokeStyle = colour.plain("--text-muted");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.roundRect(left + 1, 1, Math.max(4, right - left - 2), height - 2, 4);
  pen.stroke();
}

function wholePicture(
  { width, height, clientHeight }: HTMLCanvasElement,
  { voices, turns, duration }: Recording,
  colour: (hue: number) => string,
): HTMLCanvasElement {
  const picture = document.createElement("canvas");
  picture.width = width;
  picture.height = height;
  const pen = picture.getContext("2d");
  const sharp = height / Math.max(1, clientHeight);
  const edge = 3 * sharp;
  const lane = (height - 2 * edge) / Math.max(1, voices.length);
  const tall = Math.max(sharp, lane - (lane > 3 * sharp ? sharp : 0));
  const scale = width / duration;
  for (const { start, end, voice } of turns) {
    if (!pen) break;
    pen.fillStyle = colour(voice.hue);
    pen.fillRect(start * scale, edge + voice.index * lane, Math.max(sharp, (end - start) * scale), tall);
  }
  return picture;
}

/** The turn under a point of the lanes; the shortest where several are as near. */
export function turnUnder(
  { voices, turns }: Recording,
  view: View,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): TurnView | null {
  const voice = Math.floor((y / height) * voices.length);
  const scale = (view.end - view.start) / width;
  const time = view.start + x * scale;
  const near = 4 * scale; // seconds: a pointer is not exact
  let found: TurnView | null = null;
  for (let index = began(turns, time + near); index >= 0; index--) {
    const turn = turns[index] as TurnView;
    if (time - turn.start > LOOK_BACK) break;
    if (turn.voice.index !== voice || turn.end < time - near) continue;
    if (!found || turn.end - turn.start < found.end - found.start) found = turn;
  }
  return found;
}

const GRIP = 6; // pixels: how near a pointer must be to an edge

/** The edge of a selected turn under a point of the lanes, to be dragged. */
export function edgeUnder(
  recording: Recording,
  view: View,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  selected: ReadonlySet<string>,
  labels: boolean,
): { turn: TurnView; edge: "start" | "end" } | null {
  if (!selected.size) return null;
  for (const { turn, left, top, width: long, height: tall } of bars(recording, view, { width, height }, labels)) {
    if (!selected.has(turn.id) || y < top - GRIP || y > top + tall + GRIP) continue;
    if (Math.abs(x - left - long) <= GRIP) return { turn, edge: "end" };
    if (Math.abs(x - left) <= GRIP) return { turn, edge: "start" };
  }
  return null;
}
