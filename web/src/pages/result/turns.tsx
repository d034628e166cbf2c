// Every turn in words, following what is played.
import { effect } from "@preact/signals";
import { memo } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, count, length } from "../../times";
import { Check } from "../../ui/controls";
import type { Player } from "./player";
import { called, colour, type Recording, type TurnView, turnAt } from "./recording";

export function Turns({
  recording,
  player,
  only,
  changed,
}: {
  recording: Recording;
  player: Player;
  only: string | null; // label of the one voice whose turns are listed
  changed: ReadonlySet<string>; // labels of voices that were renamed just now
}) {
  const list = useRef<HTMLOListElement>(null);
  const [following, setFollowing] = useState(true);
  const follows = useRef(true);
  follows.current = following;

  // By hand: a new drawing of thousands of rows for every turn would be felt.
  useEffect(() => {
    let last = -1;
    let marked = list.current?.querySelector("[aria-current]") ?? null;
    return effect(() => {
      const at = turnAt(recording.turns, player.time.value);
      if (at === last) return;
      last = at;
      const now = at < 0 ? null : (list.current?.querySelector(`[data-turn="${at}"]`) ?? null);
      if (!now && !player.playing.peek()) return; // in a pause between turns, the one before stays marked
      marked?.removeAttribute("aria-current");
      now?.setAttribute("aria-current", "true");
      marked = now;
      if (now && follows.current && list.current) show(list.current, now);
    });
  }, [recording, player, only]);

  const shown = only ? recording.turns.filter((turn) => turn.voice.label === only) : recording.turns;
  return (
    <section class="card turns" aria-labelledby="turns-title">
      <div class="row spread">
        <h2 id="turns-title">{count(shown.length, "turn")}</h2>
        <Check checked={following} onChange={setFollowing}>
          Follow
        </Check>
      </div>
      {shown.length === 0 && <p class="muted">Nobody speaks in this recording.</p>}
      <ol ref={list}>
        {shown.map((turn) => (
          <Row
            key={turn.index}
            turn={turn}
            name={called(turn.voice)}
            changed={changed.has(turn.voice.label)}
            player={player}
          />
        ))}
      </ol>
    </section>
  );
}

const Row = memo(
  function Row({ turn, name, changed, player }: { turn: TurnView; name: string; changed: boolean; player: Player }) {
    const { start, end, voice } = turn;
    return (
      <li>
        <button
          type="button"
          data-turn={turn.index}
          data-changed={changed}
          disabled={!player.ready}
          onClick={() => player.play(start, end)}
        >
          <span class="numbers muted">{clock(start, { tenths: true })}</span>
          <span class="turn-name">
            <i style={{ background: colour(voice) }} />
            <span class="ellipsis">{name}</span>
          </span>
          <span class="numbers muted small">{length(end - start)}</span>
        </button>
      </li>
    );
  },
  (before, after) =>
    before.name === after.name &&
    before.changed === after.changed &&
    before.player === after.player &&
    before.turn.start === after.turn.start &&
    before.turn.end === after.turn.end &&
    before.turn.voice.index === after.turn.voice.index,
);

/** Scroll the list alone, never the page. */
function show(list: HTMLElement, row: Element): void {
  const inside = row.getBoundingClientRect();
  const frame = list.getBoundingClientRect();
  if (inside.top >= frame.top && inside.bottom <= frame.bottom) return;
  const calm = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  list.scrollBy({ top: inside.top - frame.top - frame.height / 3, behavior: calm ? "smooth" : "auto" });
}
