// The microphone, and the stream that it is sent to.
import { api } from "../api/client";
import frames from "./frames.worklet.js?url";
import type { Message } from "./voices";

const RATE = 16_000; // samples a second that the server hears
const NORMAL = 1000; // the code that a stream closes with when all went well

export interface Listening {
  name: (speaker: string, name: string) => void;
  stop: () => void;
}

/** Listen until it is stopped, or the server ends it. */
export async function listen(
  sound: MediaStream,
  asked: { speakers?: "all"; keep?: boolean; title?: string },
  on: { message: (message: Message) => void; heard: (seconds: number) => void; end: (why: string | null) => void },
): Promise<Listening> {
  const context = new AudioContext({ sampleRate: RATE });
  await context.audioWorklet.addModule(frames);
  const made = await api.post("/v1/live", { body: { ...asked, partial: true, revisions: true } });
  const { pathname, search } = new URL(made.url); // by whatever name the page was opened
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${pathname}${search}`);
  const worklet = new AudioWorkletNode(context, "frames", { numberOfOutputs: 0 });
  let why: string | null = null;
  let seconds = 0;
  let stopped = false;
  worklet.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => {
    if (socket.readyState !== WebSocket.OPEN || stopped) return;
    socket.send(data);
    seconds += data.length / RATE;
    on.heard(seconds);
  };
  socket.onopen = () => context.createMediaStreamSource(sound).connect(worklet);
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const message = JSON.parse(data) as Message;
    if (message.type === "error") why = message.message;
    on.message(message);
  };
  socket.onclose = ({ code }) => {
    void context.close();
    for (const track of sound.getTracks()) track.stop();
    on.end(code === NORMAL ? null : (why ?? "The connection was lost."));
  };
  return {
    name: (speaker, name) => socket.send(JSON.stringify({ type: "name_speaker", speaker, name })),
    stop: () => {
      stopped = true;
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "end_of_stream" }));
      else socket.close();
    },
  };
}
