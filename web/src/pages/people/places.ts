// Where the points of the map are drawn, and which one lies where an arrow key points.
import type { MapPoint } from "../../api/types";

export interface Place {
  speakerId: string;
  name: string;
  left: number;
  top: number;
  nearest: string; // name of who is nearest on the map
  above: boolean; // where the name is written
  crowded: boolean; // there is no room to write it, until one points at it
}

const STEPS = 40; // of pushing apart points that lie on each other

/** Fit points into a rectangle with the same scale in both directions, and keep circles from covering each other. */
export function layOut(points: readonly MapPoint[], width: number, height: number, apart: number): Place[] {
  const margin = apart;
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((width - 2 * margin) / (right - left || 1), (height - 2 * margin) / (high - low || 1));
  const places = points.map((point, index) => ({
    speakerId: point.speakerId,
    name: point.name,
    // A hair apart, so that points in one place know where to go.
    left: width / 2 + (point.x - (left + right) / 2) * scale + Math.cos(index) * 0.01,
    top: height / 2 - (point.y - (low + high) / 2) * scale + Math.sin(index) * 0.01,
    nearest: nearest(points, index),
    above: false,
    crowded: false,
  }));
  if (points.length <= 200) pushApart(places, apart, width, height, margin);
  placeNames(places);
  return places;
}

const LETTER = 8; // width of one, about
const LINE = 20; // height of a name
const BELOW = 30; // from the middle of a point to that of its name

/** Write a name above its point where it would cover that of another below it, or nowhere if it would there, too. */
function placeNames(places: Place[]): void {
  const taken: { left: number; right: number; middle: number }[] = [];
  for (const place of places) {
    const half = (place.name.length * LETTER) / 2;
    const at = (middle: number) => ({ left: place.left - half, right: place.left + half, middle });
    const free = (box: ReturnType<typeof at>) =>
      taken.every(
        (other) => box.right < other.left || box.left > other.right || Math.abs(box.middle - other.middle) > LINE,
      );
    const [below, above] = [at(place.top + BELOW), at(place.top - BELOW)];
    place.above = !free(below) && free(above);
    place.crowded = !free(below) && !free(above);
    if (!place.crowded) taken.push(place.above ? above : below);
  }
}

function nearest(points: readonly MapPoint[], index: number): string {
  const own = points[index] as MapPoint;
  let best: MapPoint | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const other of points) {
    const distance = (other.x - own.x) ** 2 + (other.y - own.y) ** 2;
    if (other !== own && distance < least) [best, least] = [other, distance];
  }
  return best?.name ?? "";
}

function pushApart(places: Place[], apart: number, width: number, height: number, margin: number): void {
  for (let step = 0; step < STEPS; step++) {
    let moved = false;
    for (const one of places)
      for (const other of places) {
        if (one === other) continue;
        const [dx, dy] = [other.left - one.left, other.top - one.top];
        const distance = Math.hypot(dx, dy) || 0.01;
        if (distance >= apart) continue;
        const push = (apart - distance) / 2 / distance;
        one.left -= dx * push;
        one.top -= dy * push;
        other.left += dx * push;
        other.top += dy * push;
        moved = true;
      }
    for (const place of places) {
      place.left = Math.min(width - margin, Math.max(margin, place.left));
      place.top = Math.min(height - margin, Math.max(margin, place.top));
    }
    if (!moved) return;
  }
}

/** The next place in a direction: near, and not far aside. */
export function nextInDirection(places: readonly Place[], from: Place, [dx, dy]: [number, number]): Place | null {
  let best: Place | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const place of places) {
    const [right, down] = [place.left - from.left, place.top - from.top];
    const along = right * dx + down * dy;
    if (place === from || along <= 0) continue;
    const cost = along + 2 * Math.abs(right * dy) + 2 * Math.abs(down * dx);
    if (cost < least) [best, least] = [place, cost];
  }
  return best;
}
