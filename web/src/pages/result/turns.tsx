// Every turn in words, following what is played; one, a range or several are selected to be changed.
import { effect } from "@preact/signals";
import { memo } from "preact/compat";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { may } from "../../session";
import { clock, count, length } from "../../times";
import { Check } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { Editing, type Edits } from "./editing";
import type { Player } from "./player";
import { called, colour, type Recording, type TurnView, turnAt } from "./recording";
import { range, toggled } from "./selection";
import { useWindow } from "./window";
import { folded } from "./words";

export function Turns({
  recording,
  player,
  only,
  changed,
  edits,
}: {
  recording: Recording;
  player: Player;
  only: string | null; // label of the one voice whose turns are listed
  changed: ReadonlySet<string>; // labels of voices that were renamed just now
  edits: Edits;
}) {
  const list = useRef<HTMLOListElement>(null);
  const [following, setFollowing] = useState(true);
  const [unchecked, setUnchecked] = useState(false);
  const [asked, setAsked] = useState(""); // words that are looked for
  const follows = useRef(true);
  const anchor = useRef<string | null>(null);
  follows.current = following;
  const { selected } = edits;

  const wanted = folded(asked.trim());
  const shown = useMemo(
    () =>
      recording.turns.filter(
        (turn) =>
          (!only || turn.voice.label === only) &&
          (!unchecked || !(turn.checked || turn.touched)) &&
          (!wanted || folded(turn.words).includes(wanted)),
      ),
    [recording, only, unchecked, wanted],
  );
  const view = useWindow(list, shown);
  const now = useRef({ shown, edits, view });
  now.current = { shown, edits, view };

  // By hand: a new drawing of thousands of rows for every turn would be felt.
  const followed = useRef(-1); // the turn that was brought into view last: whoever scrolls away stays there
  useEffect(() => {
    let last = -1;
    let marked = list.current?.querySelector("[aria-current]") ?? null;
    return effect(() => {
      const at = turnAt(recording.turns, player.time.value);
      if (at === last) return;
      last = at;
      const row = at < 0 ? null : (list.current?.querySelector(`[data-turn="${at}"]`) ?? null);
      const place = at < 0 || row ? -1 : now.current.shown.findIndex((turn) => turn.index === at);
      if (!row && place < 0 && !player.playing.peek()) return; // in a pause between turns, the one before stays marked
      marked?.removeAttribute("aria-current");
      row?.setAttribute("aria-current", "true");
      marked = row;
      if (!follows.current || !list.current || at === followed.current) return;
      followed.current = at;
      if (row) show(list.current, row);
      else if (place >= 0) now.current.view.show(place); // it is drawn when it comes into view, and then marked
    });
  }, [recording, player, shown, view.first, view.last]);

  useEffect(() => {
    if (list.current) list.current.scrollTop = 0;
  }, [wanted]);

  // What is selected elsewhere is brought into view.
  useEffect(() => {
    const row = shown.findIndex((turn) => selected.has(turn.id));
    const id = shown[row]?.index;
    const there = list.current?.querySelector(`[data-turn="${id}"]`);
    if (row < 0 || !list.current) return;
    if (there) show(list.current, there);
    else if (!list.current.querySelector('[aria-pressed="true"]')) view.show(row);
  }, [selected]);

  // One stop for the tab key, and arrows from there: a list of a thousand turns is left at once.
  const drawn = shown.slice(view.first, view.last);
  const stop = drawn.find((turn) => selected.has(turn.id)) ?? drawn[0];

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      const place = event.key === "Home" ? 0 : shown.length - 1;
      view.show(place);
      walking.current = shown[place]?.index ?? null;
      reached();
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const row = (event.target as Element).closest("li");
    const next = event.key === "ArrowDown" ? row?.nextElementSibling : row?.previousElementSibling;
    const button = next?.querySelector("button");
    if (!button) return;
    event.preventDefault();
    button.focus();
    const turn = recording.turns[Number(button.dataset.turn)];
    if (turn && event.shiftKey) edits.select(range(shown, anchor.current ?? turn.id, turn.id));
    else if (turn) {
      anchor.current = turn.id;
      edits.select(new Set([turn.id]));
    }
  }

  // The row at an end of the list has the focus as soon as it is drawn.
  const walking = useRef<number | null>(null);
  function reached() {
    const button = list.current?.querySelector<HTMLElement>(`[data-turn="${walking.current}"]`);
    const turn = recording.turns[walking.current ?? -1];
    if (walking.current === null || !button || !turn) return;
    walking.current = null;
    button.focus({ preventScroll: true });
    anchor.current = turn.id;
    edits.select(new Set([turn.id]));
  }
  useEffect(reached, [view.first, view.last]);

  const press = useRef((turn: TurnView, event: MouseEvent) => {
    const { shown, edits } = now.current;
    if (event.shiftKey) {
      edits.select(range(shown, anchor.current ?? turn.id, turn.id));
      return;
    }
    anchor.current = turn.id;
    if (event.ctrlKey || event.metaKey) {
      edits.select(toggled(edits.selected, turn.id));
      return;
    }
    edits.select(new Set([turn.id]));
    player.play(turn.start, turn.end);
  }).current;

  return (
    <section class="card turns" aria-labelledby="turns-title">
      <div class="row spread">
        <h2 id="turns-title">{count(shown.length, "turn")}</h2>
        <span class="row">
          <Check checked={unchecked} onChange={setUnchecked}>
            To check
          </Check>
          <Check checked={following} onChange={setFollowing}>
            Follow
          </Check>
        </span>
      </div>
      {recording.spoken && (
        <label class="turns-search">
          <span class="visually-hidden">Search the words</span>
          <input
            type="search"
            placeholder="Search the words"
            value={asked}
            onInput={(event) => setAsked(event.currentTarget.value)}
          />
        </label>
      )}
      {may("jobs:write") && <Editing recording={recording} shown={shown} player={player} edits={edits} />}
      {shown.length === 0 && (
        <p class="muted">
          {wanted
            ? "Nobody says this."
            : unchecked
              ? "Every turn was looked at."
              : "No speech was found in this recording."}
        </p>
      )}
      <ol ref={list} onKeyDown={onKeyDown} style={{ "--above": `${view.above}px`, "--below": `${view.below}px` }}>
        {drawn.map((turn, place) => (
          <Row
            key={turn.id}
            place={view.first + place + 1}
            of={shown.length}
            turn={turn}
            wanted={wanted}
            name={called(turn.voice)}
            changed={changed.has(turn.voice.label)}
            selected={selected.has(turn.id)}
            stop={turn === stop}
            onPress={press}
          />
        ))}
      </ol>
    </section>
  );
}

interface RowProps {
  turn: TurnView;
  wanted: string; // words that are looked for, folded
  name: string;
  changed: boolean;
  selected: boolean;
  stop: boolean; // where the tab key stops
  place: number; // in the list, from 1 on
  of: number; // rows of the whole list
  onPress: (turn: TurnView, event: MouseEvent) => void;
}

const Row = memo(
  function Row({ turn, wanted, name, changed, selected, stop, place, of, onPress }: RowProps) {
    const { start, end, voice } = turn;
    return (
      <li aria-posinset={place} aria-setsize={of}>
        <button
          type="button"
          data-turn={turn.index}
          data-changed={changed}
          data-decided={turn.touched}
          aria-pressed={selected}
          tabIndex={stop ? 0 : -1}
          onClick={(event) => onPress(turn, event)}
        >
          <span class="numbers muted">{clock(start, { tenths: true })}</span>
          <span class="turn-name">
            <i style={{ background: colour(voice) }} />
            <span class="ellipsis">{name}</span>
            {turn.touched && <Mark text="by hand" />}
            {turn.checked && <Mark text="checked" />}
          </span>
          <span class="numbers muted small">{length(end - start)}</span>
          {turn.words && (
            <span class="turn-words">
              <Marked text={turn.words} wanted={wanted} />
            </span>
          )}
        </button>
      </li>
    );
  },
  (before, after) =>
    before.name === after.name &&
    before.changed === after.changed &&
    before.selected === after.selected &&
    before.stop === after.stop &&
    before.place === after.place &&
    before.of === after.of &&
    before.turn.index === after.turn.index &&
    before.turn.touched === after.turn.touched &&
    before.turn.checked === after.turn.checked &&
    before.turn.start === after.turn.start &&
    before.turn.end === after.turn.end &&
    before.turn.voice.hue === after.turn.voice.hue &&
    before.turn.words === after.turn.words &&
    before.wanted === after.wanted,
);

/** A text in which what is looked for is marked, where the letters as they are written can be found. */
function Marked({ text, wanted }: { text: string; wanted: string }) {
  const plain = folded(text);
  const at = wanted && plain.length === text.length ? plain.indexOf(wanted) : -1;
  if (at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + wanted.length)}</mark>
      {text.slice(at + wanted.length)}
    </>
  );
}

/** That somebody decided about a turn, or looked at it. */
function Mark({ text }: { text: string }) {
  return (
    <span class="turn-mark small muted">
      <Icon name={text === "checked" ? "check" : "edit"} size={14} />
      <span class="visually-hidden">{text}</span>
    </span>
  );
}

/** Scroll the list alone, never the page. */
function show(list: HTMLElement, row: Element): void {
  const inside = row.getBoundingClientRect();
  const frame = list.getBoundingClientRect();
  if (inside.top >= frame.top && inside.bottom <= frame.bottom) return;
  const calm = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  list.scrollBy({ top: inside.top - frame.top - frame.height / 3, behavior: calm ? "smooth" : "auto" });
}
