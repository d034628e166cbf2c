// The keys of the result page, wherever the focus is, except where keys have a meaning of their own.
import { useLayoutEffect } from "preact/hooks";
import { act as edit, type Edits } from "./editing";
import type { Player } from "./player";
import { type Recording, turnAt } from "./recording";
import { loopTurn } from "./transport";

const SKIP = 5; // seconds that an arrow key moves

export interface Keyboard {
  recording: Recording | null;
  edits: Edits | null; // null: who looks may not change anything
  zoom: (by: number) => void;
}

export function useKeyboard(player: Player, now: { current: Keyboard }) {
  // Before the page is seen: who sees it may press a key.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("input:not([type=checkbox]), select, textarea, dialog, [role=menu], [role=combobox]")) return;
      if (event.ctrlKey || event.metaKey) {
        if (step(event)) event.preventDefault();
        return;
      }
      // Space pauses whatever has the focus; else it presses that.
      if (event.key === " " && !player.playing.value && target?.closest("button, a, summary, input, label")) return;
      if (act(event.key)) event.preventDefault();
    };
    const step = ({ key, shiftKey }: KeyboardEvent): boolean => {
      const { edits } = now.current;
      const back = key === "z" && !shiftKey;
      const on = key === "y" || (key.toLowerCase() === "z" && shiftKey);
      if (!edits || !(back || on)) return false;
      void (back ? edits.undo : edits.redo)?.();
      return true;
    };
    const act = (key: string): boolean => {
      const { recording, edits, zoom } = now.current;
      const turns = recording?.turns ?? [];
      const time = player.time.value;
      switch (key) {
        case " ":
          player.toggle();
          return true;
        case "ArrowLeft":
          player.seek(time - SKIP);
          return true;
        case "ArrowRight":
          player.seek(time + SKIP);
          return true;
        case "j":
        case "J": {
          const next = turns.find((turn) => turn.start > time + 0.05);
          if (next) player.play(next.start);
          return true;
        }
        case "k":
        case "K": {
          const here = turns[turnAt(turns, time)]?.start ?? time;
          const before = turns.findLast((turn) => turn.start < Math.min(here, time) - 0.05);
          if (before) player.play(before.start);
          return true;
        }
        case "+":
        case "=":
          zoom(1);
          return true;
        case "-":
          zoom(-1);
          return true;
        case "l":
        case "L":
          if (recording) loopTurn(player, recording);
          return recording !== null;
        case "?":
          document.querySelector<HTMLElement>("[data-keys]")?.click();
          return true;
        default:
          return recording && edits ? edit(key, recording, player, edits) : false;
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [player]);
}
