// The recording in time: waveform, a lane a voice, and an overview to move around in.
import { computed, effect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import WaveSurfer from "wavesurfer.js";
import Timeline from "wavesurfer.js/dist/plugins/timeline.esm.js";
import type { Peaks } from "../../api/types";
import { shade } from "../../theme";
import { clock } from "../../times";
import { Button } from "../../ui/controls";
import { drawLanes, drawOverview, edgeUnder, laneHeight, turnUnder, type View } from "./lanes";
import type { Player } from "./player";
import { called, colour, type Recording, stretches, type TurnView, turnAt } from "./recording";

const WAVE = 76; // pixels
const CLOSEST = 240; // pixels a second
const STEP = 1.6; // of the zoom
const DRAGGED = 5; // pixels from which a press is no click
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

const narrow = matchMedia("(max-width: 45rem)"); // no room for names beside the lanes

function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? "";
}

export function Stage({
  recording,
  peaks,
  player,
  selected,
  onEdge,
  keys,
}: {
  recording: Recording;
  peaks: Peaks | null;
  player: Player;
  selected: ReadonlySet<string>; // ids of turns
  onEdge: ((turn: TurnView, edge: "start" | "end", time: number) => void) | null; // null: nothing may be changed
  keys: (zoom: (by: number) => void) => void; // told how to zoom, for the keyboard
}) {
  const wave = useRef<HTMLDivElement>(null);
  const lanes = useRef<HTMLCanvasElement>(null);
  const overview = useRef<HTMLCanvasElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const surfer = useRef<WaveSurfer | null>(null);
  const view = useRef<View>({ start: 0, end: recording.duration });
  const shown = useRef(recording);
  const marked = useRef(selected);
  marked.current = selected;
  const dragged = useRef<number | null>(null); // where an edge is being dragged to
  const [zoom, setZoom] = useState(1); // 1: all of it is in view
  shown.current = recording;

  const [heard, setHeard] = useState(""); // nothing but speech, or nothing but a voice by its label
  useEffect(() => player.playOnly(heard ? stretches(recording, heard) : null), [player, recording, heard]);

  const active = useRef(-1);
  const redraw = useMemo(() => {
    let asked = 0;
    return () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => {
        const now = surfer.current;
        const wrapper = now?.getWrapper();
        if (now && wrapper?.clientWidth) {
          const scale = shown.current.duration / wrapper.clientWidth;
          view.current = { start: now.getScroll() * scale, end: (now.getScroll() + now.getWidth()) * scale };
        }
        if (lanes.current)
          drawLanes(lanes.current, shown.current, view.current, {
            active: active.current,
            selected: marked.current,
            edge: dragged.current,
            labels: narrow.matches,
          });
        if (overview.current) drawOverview(overview.current, shown.current, view.current);
        placeHead();
      });
    };
  }, []);

  function placeHead() {
    if (!head.current || !lanes.current) return;
    const { start, end } = view.current;
    const part = (player.time.value - start) / (end - start);
    head.current.hidden = part < 0 || part > 1;
    head.current.style.transform = `translateX(${part * lanes.current.clientWidth}px)`;
  }

  // The waveform: drawn anew when the theme changes, as its colours are in its picture.
  const theme = shade.value;
  useEffect(() => {
    if (!wave.current) return;
    const style = getComputedStyle(wave.current);
    const plain = (name: string) => style.getPropertyValue(name).trim();
    const own = WaveSurfer.create({
      container: wave.current,
      height: WAVE,
      waveColor: plain("--wave"),
      progressColor: plain("--wave-played"),
      cursorColor: plain("--text"),
      cursorWidth: 1,
      normalize: true,
      dragToSeek: true,
      media: player.audio,
      peaks: [(peaks?.peaks ?? [0]).map((peak) => peak / 255)],
      duration: recording.duration,
      cspNonce: nonce(),
      plugins: [
        Timeline.create({
          height: 18,
          formatTimeCallback: (seconds) => clock(seconds),
          secondaryLabelOpacity: 0.9,
          style: { fontSize: "11px", color: plain("--text-muted") },
        }),
      ],
    });
    surfer.current = own;
    const stop = [
      own.on("scroll", redraw),
      own.on("zoom", redraw),
      own.on("redraw", redraw),
      own.on("ready", () => {
        if (player.time.value) own.setTime(player.time.value); // a waveform that is drawn anew begins at nothing
        redraw();
      }),
      own.on("interaction", (time) => player.seek(time)),
    ];
    const size = new ResizeObserver(redraw);
    size.observe(wave.current);
    return () => {
      for (const end of stop) end();
      size.disconnect();
      surfer.current = null;
      own.destroy();
    };
  }, [theme, peaks, recording.duration, player]);

  useEffect(redraw, [recording, theme, zoom, selected]);

  useEffect(
    () =>
      effect(() => {
        const at = turnAt(shown.current.turns, player.time.value);
        if (at !== active.current) {
          active.current = at;
          redraw();
        } else placeHead();
      }),
    [player],
  );

  function zoomTo(factor: number, around?: number) {
    const own = surfer.current;
    if (!own) return;
    const fit = own.getWidth() / recording.duration;
    const most = Math.max(1, CLOSEST / fit);
    const next = Math.min(most, Math.max(1, factor));
    const { start, end } = view.current;
    const playing = player.time.value;
    const middle = around ?? (playing >= start && playing <= end ? playing : (start + end) / 2);
    const part = (middle - start) / (end - start);
    own.zoom(next === 1 ? 0 : fit * next);
    own.setScroll(middle * fit * next - part * own.getWidth());
    setZoom(next);
    redraw();
  }
  const zoomBy = (by: number, around?: number) => zoomTo(zoom * by, around);
  keys((by) => zoomBy(by > 0 ? STEP : 1 / STEP));

  function at(event: { offsetX: number; offsetY: number }) {
    const canvas = lanes.current as HTMLCanvasElement;
    const size = { width: canvas.clientWidth, height: canvas.clientHeight };
    return turnUnder(shown.current, view.current, { x: event.offsetX, y: event.offsetY, ...size });
  }

  function edgeAt(event: { offsetX: number; offsetY: number }) {
    const canvas = lanes.current as HTMLCanvasElement;
    const place = { x: event.offsetX, y: event.offsetY, width: canvas.clientWidth, height: canvas.clientHeight };
    return onEdge && edgeUnder(shown.current, view.current, place, marked.current, narrow.matches);
  }

  /** Follow the pointer with an edge of a turn, and let it be there when the pointer is let go. */
  function dragEdge(
    canvas: HTMLCanvasElement,
    event: PointerEvent,
    { turn, edge }: NonNullable<ReturnType<typeof edgeAt>>,
  ) {
    const move = (now: PointerEvent) => {
      const { start, end } = view.current;
      dragged.current = start + ((end - start) * now.offsetX) / canvas.clientWidth;
      redraw();
    };
    const up = (now: PointerEvent) => {
      canvas.removeEventListener("pointermove", move);
      canvas.removeEventListener("pointerup", up);
      canvas.removeEventListener("pointercancel", up);
      const time = dragged.current;
      dragged.current = null;
      redraw();
      if (time !== null && now.type === "pointerup") onEdge?.(turn, edge, time);
    };
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
  }

  function onWheel(event: WheelEvent) {
    const canvas = lanes.current;
    if (!canvas || !surfer.current) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const { start, end } = view.current;
      zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, start + ((end - start) * event.offsetX) / canvas.clientWidth);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      surfer.current.setScroll(surfer.current.getScroll() + event.deltaX);
    }
  }

  useEffect(() => {
    const canvas = lanes.current;
    canvas?.addEventListener("wheel", onWheel, { passive: false });
    return () => canvas?.removeEventListener("wheel", onWheel);
  });

  /** Press and drag the lanes to move along; press alone to play the turn. */
  function onPointerDown(event: PointerEvent) {
    const own = surfer.current;
    const canvas = lanes.current;
    if (!own || !canvas || event.button !== 0) return;
    const grip = edgeAt(event);
    if (grip) {
      dragEdge(canvas, event, grip);
      return;
    }
    const from = event.clientX;
    const scroll = own.getScroll();
    const turn = at(event);
    const { offsetX } = event;
    let dragged = false;
    const move = (now: PointerEvent) => {
      dragged ||= Math.abs(now.clientX - from) > DRAGGED;
      if (dragged) own.setScroll(scroll - (now.clientX - from));
    };
    const up = (now: PointerEvent) => {
      canvas.removeEventListener("pointermove", move);
      canvas.removeEventListener("pointerup", up);
      canvas.removeEventListener("pointercancel", up);
      if (dragged || now.type === "pointercancel") return;
      const { start, end } = view.current;
      if (turn) player.play(turn.start, turn.end);
      else player.seek(start + ((end - start) * offsetX) / canvas.clientWidth);
    };
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
  }

  /** The overview moves the view, or where it plays while all is in view. */
  function onOverview(event: PointerEvent) {
    const canvas = overview.current;
    const own = surfer.current;
    if (!canvas || !own || event.buttons !== 1) return;
    canvas.setPointerCapture(event.pointerId);
    const time = (event.offsetX / canvas.clientWidth) * recording.duration;
    if (zoom === 1) player.seek(time);
    else own.setScroll((time / recording.duration) * own.getWrapper().clientWidth - own.getWidth() / 2);
    redraw();
  }

  const height = laneHeight(recording.voices.length, useNarrow());
  const time = useMemo(() => clockSignal(player), [player]);
  return (
    <section class="card stage" aria-label="The recording in time">
      <div class="transport">
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
            disabled={zoom <= 1}
            onClick={() => zoomBy(1 / STEP)}
          />
          <Button kind="quiet" icon="zoomIn" aria-label="Zoom in" onClick={() => zoomBy(STEP)} />
        </span>
      </div>
      <div class="stage-grid">
        <div class="stage-names" aria-hidden="true">
          {recording.voices.map((voice) => (
            <span key={voice.label} style={{ height: `${height}px` }}>
              <i style={{ background: colour(voice) }} />
              <span class="ellipsis">{called(voice)}</span>
            </span>
          ))}
        </div>
        <div class="stage-time">
          <div class="stage-wave" ref={wave} />
          <div class="stage-lanes">
            <canvas
              ref={lanes}
              style={{ height: `${height * recording.voices.length}px` }}
              role="img"
              aria-label="One lane for each voice; the list of turns below has the same in words."
              onPointerDown={onPointerDown}
              onPointerMove={(event) => {
                const turn = at(event);
                event.currentTarget.title = turn
                  ? `${called(turn.voice)}, ${clock(turn.start, { tenths: true })} to ${clock(turn.end, { tenths: true })}`
                  : "";
                event.currentTarget.dataset.over = edgeAt(event) ? "edge" : String(Boolean(turn));
              }}
            />
            <div class="stage-head" ref={head} />
          </div>
          <canvas
            class="stage-overview"
            ref={overview}
            role="img"
            aria-label="The whole recording in small"
            onPointerDown={onOverview}
            onPointerMove={onOverview}
          />
        </div>
      </div>
    </section>
  );
}

/** Begin to play the turn that is heard now again and again, or end it. */
export function loopTurn(player: Player, { turns }: Recording): void {
  const turn = player.loop.value ? null : turns[turnAt(turns, player.time.value)];
  player.loop.value = turn ? { start: turn.start, end: turn.end } : null;
  if (turn) player.play(turn.start);
}

function useNarrow(): boolean {
  const [now, set] = useState(narrow.matches);
  useEffect(() => {
    const change = () => set(narrow.matches);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return now;
}

/** The time that is played, as text that changes without drawing anything else anew. */
function clockSignal(player: Player) {
  return computed(() => clock(player.time.value, { tenths: true }));
}
