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
function prepare(canvas: HTMLCanvasElement): { pen: CanvasRenderingContext2D; width: number; height: number } | null {
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

function colours(canvas: HTMLCanvasElement): { of: (index: number) => string; plain: (name: string) => string } {
  const style = getComputedStyle(canvas);
  const plain = (name: string) => style.getPropertyValue(name).trim();
  const voices = Array.from({ length: 8 }, (_, index) => plain(`--voice-${index}`));
  return { of: (index) => voices[index % 8] ?? "", plain };
}

export function drawLanes(
  canvas: HTMLCanvasElement,
  { voices, turns }: Recording,
  view: View,
  { active, labels }: { active: number; labels: boolean },
): void {
  const prepared = prepare(canvas);
  if (!prepared) return;
  const { pen, width, height } = prepared;
  const colour = colours(canvas);
  const lane = height / Math.max(1, voices.length);
  const scale = width / Math.max(0.001, view.end - view.start);
  pen.fillStyle = colour.plain("--line");
  for (let index = 1; index < voices.length; index++) pen.fillRect(0, Math.round(index * lane), width, 1);
  const bar = Math.round(lane * (labels ? LABELLED_BAR : BAR));
  for (let index = Math.max(0, began(turns, view.start - LOOK_BACK)); index < turns.length; index++) {
    const turn = turns[index] as TurnView;
    if (turn.start > view.end) break;
    if (turn.end < view.start) continue;
    const left = (turn.start - view.start) * scale;
    const wide = Math.max(LEAST, (turn.end - turn.start) * scale);
    const top = turn.voice.index * lane + (labels ? lane - bar - 3 : (lane - bar) / 2);
    pen.fillStyle = colour.of(turn.voice.index);
    pen.globalAlpha = index === active ? 1 : 0.78;
    pen.beginPath();
    pen.roundRect(left, top, wide, bar, Math.min(4, wide / 2));
    pen.fill();
    if (index === active) {
      pen.lineWidth = 2;
      pen.strokeStyle = colour.plain("--text");
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
  if (!labels) return;
  pen.font = `600 11px ${getComputedStyle(canvas).fontFamily}`;
  pen.textBaseline = "top";
  pen.fillStyle = colour.plain("--text");
  for (const voice of voices) pen.fillText(called(voice), 1, voice.index * lane + 5);
}

export function drawOverview(canvas: HTMLCanvasElement, { voices, turns, duration }: Recording, view: View): void {
  const prepared = prepare(canvas);
  if (!prepared || !duration) return;
  const { pen, width, height } = prepared;
  const colour = colours(canvas);
  const edge = 3;
  const lane = (height - 2 * edge) / Math.max(1, voices.length);
  const scale = width / duration;
  for (const turn of turns) {
    pen.fillStyle = colour.of(turn.voice.index);
    const wide = Math.max(1, (turn.end - turn.start) * scale);
    pen.fillRect(turn.start * scale, edge + turn.voice.index * lane, wide, Math.max(1, lane - (lane > 3 ? 1 : 0)));
  }
  if (view.end - view.start > 0.995 * duration) return;
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
