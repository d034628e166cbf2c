// What is played and how: it stays in view, wherever one is on the page.
import { computed } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { announce } from "../../announce";
import { clock } from "../../times";
import { Button } from "../../ui/controls";
import { tell } from "../../ui/toasts";
import type { Player } from "./player";
import { called, type Recording, stretches, turnAt } from "./recording";
import { type Scope, STEP } from "./scope";

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

export function Transport({ recording, player, scope }: { recording: Recording; player: Player; scope: Scope }) {
  const [heard, setHeard] = useState(""); // nothing but speech, or nothing but a voice by its label
  useEffect(() => player.playOnly(heard ? stretches(recording, heard) : null), [player, recording, heard]);
  const time = useMemo(() => computed(() => clock(player.time.value, { tenths: true })), [player]);
  const zoomed = useMemo(() => computed(() => scope.view.value && scope.zoomed), [scope]);
  return (
    <section class="card transport" aria-label="Player">
      <Button
        kind="primary"
        class="round"
        icon={player.playing.value ? "pause" : "play"}
        aria-label={player.playing.value ? "Pause" : "Play"}
        disabled={!player.ready}
        onClick={() => player.toggle()}
      />
      <span class="numbers transport-time">
        <strong>{time}</strong> <span class="muted">/ {clock(recording.duration)}</span>
      </span>
      <span class="grow" />
      <Button
        kind="quiet"
        icon="link"
        aria-label="Copy a link to this moment"
        onClick={() => void copyLink(player.time.value)}
      />
      <Button
        kind="quiet"
        icon="refresh"
        aria-label="Play this turn again and again"
        aria-pressed={player.loop.value !== null}
        disabled={!player.ready}
        onClick={() => loopTurn(player, recording)}
      />
      <label class="transport-heard">
        <span class="visually-hidden">What is played</span>
        <select value={heard} disabled={!player.ready} onChange={(event) => setHeard(event.currentTarget.value)}>
          <option value="">Everything</option>
          <option value="speech">Speech only</option>
          {recording.voices.map((voice) => (
            <option key={voice.label} value={voice.label}>
              {called(voice)} only
            </option>
          ))}
        </select>
      </label>
      <label class="transport-rate">
        <span class="visually-hidden">Speed</span>
        <select
          value={String(player.rate.value)}
          disabled={!player.ready}
          onChange={(event) => player.setRate(Number(event.currentTarget.value))}
        >
          {RATES.map((rate) => (
            <option key={rate} value={String(rate)}>
              {rate}×
            </option>
          ))}
        </select>
      </label>
      <span class="row transport-zoom">
        <Button
          kind="quiet"
          icon="zoomOut"
          aria-label="Zoom out"
          disabled={!zoomed.value}
          onClick={() => zoomBy(scope, player, 1 / STEP)}
        />
        <Button kind="quiet" icon="zoomIn" aria-label="Zoom in" onClick={() => zoomBy(scope, player, STEP)} />
      </span>
    </section>
  );
}

/** Zoom around what is heard, if that is in view. */
export function zoomBy(scope: Scope, player: Player, by: number): void {
  const time = player.time.value;
  scope.zoom(by, scope.shows(time) ? time : undefined);
}

/** Begin to play the turn that is heard now again and again, or end it. */
export function loopTurn(player: Player, { turns }: Recording): void {
  const turn = player.loop.value ? null : turns[turnAt(turns, player.time.value)];
  player.loop.value = turn ? { start: turn.start, end: turn.end } : null;
  if (turn) player.play(turn.start);
}

/** Put the address of this page at a moment on the clipboard, or into the address bar where that is not allowed. */
async function copyLink(time: number): Promise<void> {
  const link = new URL(location.pathname, location.origin);
  link.searchParams.set("t", time.toFixed(1));
  try {
    await navigator.clipboard.writeText(link.href);
    tell(`Copied a link to ${clock(time)}.`);
  } catch {
    history.replaceState(null, "", link);
    announce("The address of this page leads to this moment now.");
    tell("The address of this page leads to this moment now: copy it from the address bar.");
  }
}
