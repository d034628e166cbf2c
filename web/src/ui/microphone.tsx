// Recording from the microphone, with a level that moves, so that one sees that one is heard.
import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../announce";
import { clock } from "../times";
import { Button, Note } from "./controls";

const KINDS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4", "audio/webm"];
const BARS = 96; // of the level that are shown, the newest at the right
const EVERY = 60; // milliseconds from one to the next
const QUIET = 0.02; // of full scale: less is hardly heard
const LOUD = 0.97; // more is cut off

type State =
  | { is: "idle" }
  | { is: "asking" }
  | { is: "recording"; seconds: number; quiet: boolean; loud: boolean }
  | { is: "refused"; why: string };

/** Whether this page may record at all: browsers allow it on https and on this machine only. */
export const canRecord = Boolean(window.isSecureContext && navigator.mediaDevices && window.MediaRecorder);

/** Say in words why there is no microphone. */
export function whyNot(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError")
    return "The browser does not let this page use the microphone. Allow it in the address bar, then try again.";
  if (name === "NotFoundError") return "No microphone was found. Connect one, then try again.";
  return "The microphone cannot be used. Close other programs that record, then try again.";
}

/**
 * Records until it is stopped, or for `most` seconds.
 *
 * `aim` is how many seconds are wanted; the bar fills until then. The recording is handed on in the kind that the
 * browser makes.
 */
export function Microphone({
  onRecorded,
  onRecording,
  aim,
  most = 4 * 3600,
}: {
  onRecorded: (recording: File, seconds: number) => void;
  onRecording?: (active: boolean) => void;
  aim?: number;
  most?: number;
}) {
  const [state, setState] = useState<State>({ is: "idle" });
  const canvas = useRef<HTMLCanvasElement>(null);
  const stop = useRef<((keep: boolean) => void) | null>(null);
  useEffect(() => () => stop.current?.(false), []);

  async function start() {
    setState({ is: "asking" });
    let stream: MediaStream;
    try {
      // Nothing that a telephone call would need: it takes away what tells voices apart.
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true },
      });
    } catch (error) {
      setState({ is: "refused", why: whyNot(error) });
      return;
    }
    const kind = KINDS.find((each) => MediaRecorder.isTypeSupported(each)) ?? "";
    const recorder = new MediaRecorder(stream, kind ? { mimeType: kind } : {});
    const parts: Blob[] = [];
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    const meter = listen(stream, (levels) => {
      draw(canvas.current, levels);
      const recent = levels.slice(-20);
      const peak = Math.max(0, ...recent);
      const now = seconds();
      setState({ is: "recording", seconds: now, quiet: now > 2 && peak < QUIET, loud: peak > LOUD });
      if (now >= most) stop.current?.(true);
    });
    recorder.ondataavailable = (event) => event.data.size && parts.push(event.data);
    stop.current = (keep) => {
      stop.current = null;
      const length = seconds();
      recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        if (!keep || !parts.length) return;
        const type = recorder.mimeType || "audio/webm";
        const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
        onRecorded(new File(parts, `Recording ${stamp(new Date())}.${ending}`, { type }), length);
      };
      meter.stop();
      recorder.stop();
      onRecording?.(false);
      setState({ is: "idle" });
      announce("Recording stopped.");
    };
    recorder.start(1000);
    onRecording?.(true);
    announce("Recording. Speak now.");
  }

  if (!canRecord)
    return (
      <Note kind="caution">
        Browsers record only on pages of this machine or over https. Open this page so, or upload a file instead.
      </Note>
    );
  if (state.is !== "recording")
    return (
      <div class="microphone">
        <Button icon="mic" busy={state.is === "asking"} onClick={start}>
          Record
        </Button>
        {state.is === "refused" && <Note kind="bad">{state.why}</Note>}
      </div>
    );
  return (
    <div class="microphone recording">
      <canvas ref={canvas} class="level" width={BARS * 4} height={56} aria-hidden="true" />
      <div class="row spread">
        <span class="row">
          <span class="record-dot" aria-hidden="true" />
          <strong class="numbers">{clock(state.seconds)}</strong>
          {aim && <span class="muted numbers">of about {clock(aim)}</span>}
        </span>
        <span class="row">
          <Button kind="quiet" onClick={() => stop.current?.(false)}>
            Discard
          </Button>
          <Button kind="primary" icon="check" onClick={() => stop.current?.(true)}>
            Done
          </Button>
        </span>
      </div>
      <p class="small muted" aria-live="polite">
        {state.quiet
          ? "Hardly anything is heard: come closer."
          : state.loud
            ? "Too loud: move away a little."
            : "The level is good."}
      </p>
    </div>
  );
}

function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}.${two(now.getMinutes())}`;
}

/** Tell the peaks of what a stream hears, 0 to 1, the newest last. */
function listen(stream: MediaStream, onLevels: (levels: number[]) => void): { stop: () => void } {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 4096;
  context.createMediaStreamSource(stream).connect(analyser);
  const wave = new Float32Array(analyser.fftSize);
  const levels: number[] = [];
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(wave);
    levels.push(wave.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0));
    if (levels.length > BARS) levels.shift();
    onLevels(levels);
  }, EVERY);
  return {
    stop() {
      clearInterval(timer);
      void context.close();
    },
  };
}

function draw(canvas: HTMLCanvasElement | null, levels: number[]): void {
  const pen = canvas?.getContext("2d");
  if (!canvas || !pen) return;
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  levels.forEach((level, index) => {
    const tall = Math.max(2, Math.sqrt(Math.min(1, level)) * height); // as ears hear: quiet speech is seen, too
    pen.fillRect(width - (levels.length - index) * 4, (height - tall) / 2, 2.5, tall);
  });
}
