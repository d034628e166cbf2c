// The recording in time: waveform, a lane a voice, and an overview to move around in.
import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Peaks } from "../../api/types";
import { shade } from "../../theme";
import { clock } from "../../times";
import { type Area, drawLanes, drawOverview, edgeUnder, laneHeight, turnsWithin, turnUnder } from "./lanes";
import type { Player } from "./player";
import { called, colour, type Recording, type TurnView, turnAt } from "./recording";
import { type Scope, STEP } from "./scope";
import { drawWave, Tiles } from "./wave";

const DRAGGED = 5; // pixels from which a press is no click

const narrow = matchMedia("(max-width: 45rem)"); // no room for names beside the lanes

interface Changes {
  edge: (turn: TurnView, edge: "start" | "end", time: number) => void;
  select: (turns: readonly string[], add: boolean) => void;
}

export function Stage({
  job,
  recording,
  whole,
  peaks,
  player,
  scope,
  selected,
  changes,
}: {
  job: string;
  recording: Recording; // with the voices that have a lane
  whole: Recording; // with all of them
  peaks: Peaks | null;
  player: Player;
  scope: Scope;
  selected: ReadonlySet<string>; // ids of turns
  changes: Changes | null; // null: nothing may be changed
}) {
  const wave = useRef<HTMLCanvasElement>(null);
  const lanes = useRef<HTMLCanvasElement>(null);
  const overview = useRef<HTMLCanvasElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const tiles = useRef<Tiles | null>(null);
  const dragged = useRef<{ edge: number | null; area: Area | null }>({ edge: null, area: null });
  const now = useRef({ recording, whole, selected });
  now.current = { recording, whole, selected };
  const active = useRef(-1);
  const size = () => ({ width: lanes.current?.clientWidth ?? 1, height: lanes.current?.clientHeight ?? 1 });

  const redraw = useMemo(() => {
    let asked = 0;
    return () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => {
        const { recording, whole, selected } = now.current;
        const view = scope.view.value;
        if (wave.current) drawWave(wave.current, tiles.current, view, whole.duration);
        if (lanes.current)
          drawLanes(lanes.current, recording, view, {
            active: active.current,
            selected,
            labels: narrow.matches,
            ...dragged.current,
          });
        if (overview.current) drawOverview(overview.current, recording, view);
        placeHead();
      });
    };
  }, []);

  function placeHead() {
    if (!head.current) return;
    const part = (player.time.value - scope.view.value.start) / scope.span;
    head.current.hidden = part < 0 || part > 1;
    head.current.style.transform = `translateX(${part * size().width}px)`;
  }

  useEffect(() => scope.setDuration(whole.duration), [scope, whole.duration]);
  useEffect(() => {
    tiles.current = peaks ? new Tiles(job, whole.duration, peaks, redraw) : null;
    redraw();
  }, [job, peaks, whole.duration]);
  useEffect(() => effect(() => void (scope.view.value && redraw())), [scope]);
  useEffect(redraw, [recording, shade.value, selected]);
  useEffect(() => {
    const own = lanes.current;
    if (!own) return;
    const sized = new ResizeObserver(() => {
      scope.width = own.clientWidth;
      redraw();
    });
    sized.observe(own);
    return () => sized.disconnect();
  }, []);

  // What is heard stays in view, unless one has moved elsewhere.
  useEffect(() => {
    let before = player.time.peek();
    return effect(() => {
      const time = player.time.value;
      if (scope.zoomed && scope.shows(before)) scope.follow(time);
      before = time;
      const at = turnAt(now.current.whole.turns, time);
      if (at !== active.current) {
        active.current = at;
        redraw();
      } else placeHead();
    });
  }, [player, scope]);

  const place = (event: { offsetX: number; offsetY: number }) => ({ x: event.offsetX, y: event.offsetY, ...size() });
  const timeOf = (event: { offsetX: number }) => scope.time(event.offsetX / size().width);
  const at = (event: PointerEvent) => turnUnder(recording, scope.view.value, place(event));
  const edgeAt = (event: PointerEvent) =>
    changes && edgeUnder(recording, scope.view.value, place(event), selected, narrow.matches);

  function onWheel(event: WheelEvent) {
    const { width } = size();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      scope.zoom(event.deltaY < 0 ? STEP : 1 / STEP, timeOf(event));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      scope.move((event.deltaX / width) * scope.span);
    }
  }
  useEffect(() => {
    const both = [wave.current, lanes.current];
    for (const canvas of both) canvas?.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      for (const canvas of both) canvas?.removeEventListener("wheel", onWheel);
    };
  });

  /** Follow a pointer until it is let go, which is the end of a drag or a press. */
  function follow(
    event: PointerEvent,
    drag: (now: PointerEvent) => void,
    end: (moved: boolean, now: PointerEvent) => void,
  ) {
    const canvas = event.currentTarget as HTMLCanvasElement;
    let moved = false;
    const move = (now: PointerEvent) => {
      moved ||= Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) > DRAGGED;
      if (moved) drag(now);
    };
    const up = (now: PointerEvent) => {
      canvas.removeEventListener("pointermove", move);
      canvas.removeEventListener("pointerup", up);
      canvas.removeEventListener("pointercancel", up);
      const whole = dragged.current;
      if (now.type === "pointerup") end(moved, now);
      if (dragged.current === whole) dragged.current = { edge: null, area: null };
      redraw();
    };
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
  }

  function dragEdge(event: PointerEvent, { turn, edge }: { turn: TurnView; edge: "start" | "end" }) {
    const drag = (now: PointerEvent) => {
      dragged.current = { edge: timeOf(now), area: null };
      redraw();
    };
    follow(event, drag, () => {
      const time = dragged.current.edge;
      if (time !== null) changes?.edge(turn, edge, time);
    });
  }

  /** Drag over turns to select them; a finger moves along instead, and a press plays the turn. */
  function onLanes(event: PointerEvent) {
    if (event.button !== 0) return;
    const grip = edgeAt(event);
    if (grip) {
      dragEdge(event, grip);
      return;
    }
    const turn = at(event);
    const begin = timeOf(event);
    const { start } = scope.view.value;
    const { height } = size();
    const selects = changes !== null && event.pointerType !== "touch";
    const drag = (now: PointerEvent) => {
      if (selects) {
        const heights: [number, number] = [event.offsetY / height, now.offsetY / height];
        dragged.current = { edge: null, area: { times: [begin, timeOf(now)], heights } };
        redraw();
      } else scope.move(start - scope.view.value.start - ((now.clientX - event.clientX) / size().width) * scope.span);
    };
    follow(event, drag, (moved) => {
      const { area } = dragged.current;
      if (area) changes?.select(turnsWithin(recording, area), event.shiftKey || event.ctrlKey || event.metaKey);
      else if (!moved && turn) player.play(turn.start, turn.end);
      else if (!moved) player.seek(begin);
    });
  }

  function onWave(event: PointerEvent) {
    if (event.button !== 0) return;
    const seek = (now: PointerEvent) => player.seek(timeOf(now));
    seek(event);
    follow(event, seek, () => undefined);
  }

  /** The overview moves the view, or where it plays while all is in view. */
  function onOverview(event: PointerEvent) {
    const canvas = event.currentTarget as HTMLCanvasElement;
    if (event.buttons !== 1) return;
    canvas.setPointerCapture(event.pointerId);
    const time = (event.offsetX / canvas.clientWidth) * whole.duration;
    if (scope.zoomed) scope.centre(time);
    else player.seek(time);
  }

  function onHover(event: PointerEvent) {
    const canvas = event.currentTarget as HTMLCanvasElement;
    const turn = at(event);
    canvas.title = turn
      ? `${called(turn.voice)}, ${clock(turn.start, { tenths: true })} to ${clock(turn.end, { tenths: true })}`
      : "";
    canvas.dataset.over = edgeAt(event) ? "edge" : String(Boolean(turn));
  }

  const height = laneHeight(recording.voices.length, useNarrow());
  return (
    <section class="card stage" aria-label="The recording in time">
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
          <canvas class="stage-wave" ref={wave} role="img" aria-label="How loud it is" onPointerDown={onWave} />
          <div class="stage-lanes">
            <canvas
              ref={lanes}
              style={{ height: `${height * recording.voices.length}px` }}
              role="img"
              aria-label="One lane for each voice; the list of turns below has the same in words."
              onPointerDown={onLanes}
              onPointerMove={onHover}
            />
          </div>
          <div class="stage-head" ref={head} />
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

function useNarrow(): boolean {
  const [now, set] = useState(narrow.matches);
  useEffect(() => {
    const change = () => set(narrow.matches);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return now;
}
