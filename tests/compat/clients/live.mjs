// Say who speaks in a recording while it plays: raw float32 samples of 16 kHz, one channel, in a file.
//
//     TIMBRE_URL=http://127.0.0.1:8000 TIMBRE_KEY=sk_… node live.mjs conversation.f32
//
// Node 22 or later, nothing to install; Node 20 with --experimental-websocket. The last chunk is as short as it is.
// @ts-check

import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const CHUNK = 6400; // bytes: 100 ms

const headers = { Authorization: `Bearer ${process.env.TIMBRE_KEY}` };
const answer = await fetch(`${process.env.TIMBRE_URL}/v1/live`, { method: "POST", headers });
if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
const { url } = await answer.json();

const socket = new WebSocket(url);
const starts = new Map();
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === "error") throw new Error(message.message);
  const { speaker, timestamp } = message.data;
  if (message.type === "diarization_speaker_start") starts.set(speaker, timestamp);
  else if (message.type === "diarization_speaker_end") {
    console.log(speaker, starts.get(speaker), timestamp);
    starts.delete(speaker);
  }
};
const closed = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
await new Promise((resolve) => (socket.onopen = resolve));

const sound = await readFile(process.argv[2]);
const began = performance.now();
for (let place = 0; place < sound.length; place += CHUNK) {
  await setTimeout(Math.max(0, began + place / 64 - performance.now()));
  socket.send(sound.subarray(place, place + CHUNK));
}
socket.send(JSON.stringify({ type: "end_of_stream" }));
console.log("closed", await closed);
