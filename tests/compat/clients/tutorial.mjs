// Learn people's voices, then say who speaks in a conversation. Node 18 or later, nothing to install.
//
//     TIMBRE_URL=http://127.0.0.1:8000 TIMBRE_KEY=sk_… node tutorial.mjs conversation.ogg Ada=ada.flac Ben=ben.flac
// @ts-check

import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const url = process.env.TIMBRE_URL;
const headers = { Authorization: `Bearer ${process.env.TIMBRE_KEY}`, "Content-Type": "application/json" };

/** Ask the server; anything but the expected status is an error.
 * @param {string} path @param {number} expected @param {object} [body] */
async function ask(path, expected, body) {
  const method = body ? "POST" : "GET";
  const answer = await fetch(`${url}/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status !== expected) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Upload a recording; return the address that jobs know it by.
 * @param {string} path @param {string} name */
async function upload(path, name) {
  const media = `media://tutorial/${name}`;
  const link = await ask("media/input", 201, { url: media });
  const kept = await fetch(link.url, { method: "PUT", body: await readFile(path) });
  if (!kept.ok) throw new Error(`upload: ${kept.status} ${await kept.text()}`);
  return media;
}

/** Wait until a job has ended; return its output.
 * @param {string} jobId */
async function output(jobId) {
  for (;;) {
    const job = await ask(`jobs/${jobId}`, 200);
    if (job.status === "succeeded") return job.output;
    if (["failed", "canceled"].includes(job.status)) throw new Error(`${job.status}: ${job.output.error}`);
    await setTimeout(500);
  }
}

const [conversation, ...people] = process.argv.slice(2);
const voiceprints = [];
for (const person of people) {
  const [label, path] = person.split("=");
  const { jobId } = await ask("voiceprint", 200, { url: await upload(path, label) });
  voiceprints.push({ label, voiceprint: (await output(jobId)).voiceprint });
}

const { jobId } = await ask("identify", 200, {
  url: await upload(conversation, "conversation"),
  voiceprints,
  matching: { threshold: 50 },
});
for (const turn of (await output(jobId)).identification) {
  console.log(turn.speaker, turn.start.toFixed(3), turn.end.toFixed(3));
}
