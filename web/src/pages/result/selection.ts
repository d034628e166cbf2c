// Which turns are selected, by their ids; and what can be said about them.
import type { Said } from "./deciding";
import type { Recording, TurnView } from "./recording";

export const SPLINTER = 0.3; // seconds: shorter turns are mostly no turns
const ROOM = 0.02; // seconds from an edge of a turn, within which it cannot be split

/** All turns from one to another, as they are listed. */
export function range(turns: readonly TurnView[], from: string, to: string): Set<string> {
  const places = [from, to].map((id) => turns.findIndex((turn) => turn.id === id));
  if (places.includes(-1)) return new Set([to]);
  const [first, last] = places.sort((a, b) => a - b) as [number, number];
  return new Set(turns.slice(first, last + 1).map((turn) => turn.id));
}

export function toggled(selected: ReadonlySet<string>, id: string): Set<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** The turns that are selected and still there, by their start. */
export function chosen({ turns }: Recording, selected: ReadonlySet<string>): TurnView[] {
  return selected.size ? turns.filter((turn) => selected.has(turn.id)) : [];
}

/** Split a turn at a time; null where that is not inside of it. */
export function split(turn: TurnView, time: number): Said | null {
  if (time < turn.start + ROOM || time > turn.end - ROOM) return null;
  return { kind: "cut", turn: turn.id, at: round(time) };
}

/** Join turns; one alone with the next of the same voice, if there is one. */
export function joined({ turns }: Recording, some: readonly TurnView[]): Said | null {
  const [first] = some;
  if (!first) return null;
  const next = turns.find((turn) => turn.voice.label === first.voice.label && turn.start > first.start);
  const all = some.length > 1 ? some : next ? [first, next] : [];
  return all.length ? { kind: "unite", turns: all.map((turn) => turn.id) } : null;
}

/** Let a turn begin or end at a time; null where nothing of it would be left. */
export function moved(turn: TurnView, edge: "start" | "end", time: number): Said | null {
  const [start, end] = edge === "start" ? [round(time), turn.end] : [turn.start, round(time)];
  return end - start > ROOM ? { kind: "retime", turn: turn.id, [edge]: round(time) } : null;
}

export function splinters(turns: readonly TurnView[]): string[] {
  return turns.filter((turn) => turn.end - turn.start < SPLINTER).map((turn) => turn.id);
}

function round(seconds: number): number {
  return Math.round(Math.max(0, seconds) * 1000) / 1000;
}
