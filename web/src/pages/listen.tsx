// Who speaks, while they speak: lanes that grow with time, and names that a click gives.
import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../announce";
import { listen, type Listening } from "../live/stream";
import { type LiveVoice, speaks, spoken, told } from "../live/voices";
import { go } from "../router";
import { may } from "../session";
import { clock } from "../times";
import { Button, Check, Empty, Note, PageHead } from "../ui/controls";
import { Icon } from "../ui/icons";
import { canRecord, whyNot } from "../ui/microphone";
import { tellError } from "../ui/toasts";
import "./listen.css";

const SHOWN = 60; // seconds of the lanes
const COLOURS = 8;

type State = { is: "idle" | "asking" | "listening" | "ending" } | { is: "ended"; why: string | null };

export function Listen() {
  const [state, setState] = useState<State>({ is: "idle" });
  const [voices, setVoices] = useState<readonly LiveVoice[]>([]);
  const [seconds, setSeconds] = useState(0);
  const [keep, setKeep] = useState(false);
  const stream = useRef<Listening | null>(null);
  const left = useRef(false); // for another page
  useEffect(
    () => () => {
      left.current = true;
      stream.current?.stop();
    },
    [],
  );

  async function start() {
    setState({ is: "asking" });
    setVoices([]);
    setSeconds(0);
    let sound: MediaStream | null = null;
    try {
      // Nothing that a telephone call would need: it takes away what tells voices apart.
      sound = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true },
      });
      const people = may("speakers:read") ? { speakers: "all" as const } : {};
      const kept = keep ? { keep, title: `Live ${new Date().toLocaleString()}` } : {};
      stream.current = await listen(
        sound,
        { ...people, ...kept },
        {
          message: (message) => {
            setVoices((before) => told(before, message));
            if (message.type === "refused") tellError(new Error(message.message));
            if (message.type === "kept" && !left.current) go(`/jobs/${message.data.jobId}`);
            if (message.type === "speaker_name" && message.data.status === "confirmed" && message.data.match)
              announce(`${spokenLabel(message.data.speaker)} is ${message.data.match}.`);
          },
          heard: setSeconds,
          end: (why) => setState({ is: "ended", why }),
        },
      );
      setState({ is: "listening" });
      announce("Listening. Speak now.");
    } catch (error) {
      for (const track of sound?.getTracks() ?? []) track.stop();
      setState({ is: "ended", why: error instanceof DOMException ? whyNot(error) : String((error as Error).message) });
    }
  }

  function stop() {
    setState({ is: "ending" });
    stream.current?.stop();
  }

  const active = state.is === "listening" || state.is === "ending";
  return (
    <>
      <PageHead title="Listen" lead="Who speaks, and who that is, while they speak. Click a voice to name it." />
      <div class="stack">
        <section class="card row spread listen-head" aria-label="Microphone">
          {active ? (
            <span class="row">
              <span class="record-dot" aria-hidden="true" />
              <strong class="numbers">{clock(seconds)}</strong>
            </span>
          ) : (
            <span class="muted">
              {state.is === "ended" ? `${clock(seconds)} heard` : "Nothing is kept unless you say so."}
            </span>
          )}
          <span class="row">
            {!active && may("jobs:write") && (
              <Check checked={keep} onChange={setKeep}>
                Keep the recording
              </Check>
            )}
            {active && keep && <span class="muted">The recording is kept.</span>}
            {active ? (
              <Button kind="primary" icon="check" busy={state.is === "ending"} onClick={stop}>
                Stop
              </Button>
            ) : (
              <Button
                kind="primary"
                icon="mic"
                busy={state.is === "asking"}
                disabled={!canRecord}
                onClick={() => void start()}
              >
                {state.is === "ended" ? "Listen again" : "Listen"}
              </Button>
            )}
          </span>
        </section>
        {!canRecord && (
          <Note kind="caution">Browsers use the microphone only on pages of this machine or over https.</Note>
        )}
        {state.is === "ended" && state.why && <Note kind="bad">{state.why}</Note>}
        {voices.length ? (
          <ul class="live-lanes" aria-label="Voices">
            {voices.map((voice, index) => (
              <Lane
                key={voice.speaker}
                voice={voice}
                colour={index % COLOURS}
                now={seconds}
                {...(state.is === "listening"
                  ? { onName: (name: string) => stream.current?.name(voice.speaker, name) }
                  : {})}
              />
            ))}
          </ul>
        ) : (
          <Empty icon="mic" title={active ? "Nobody has spoken yet" : "Nobody is heard"}>
            Every voice gets a line of its own as soon as it is heard.
          </Empty>
        )}
      </div>
    </>
  );
}

function Lane({
  voice,
  colour,
  now,
  onName,
}: {
  voice: LiveVoice;
  colour: number;
  now: number;
  onName?: (name: string) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null); // while a name is given
  const input = useRef<HTMLInputElement>(null);
  const open = typed !== null;
  useEffect(() => {
    if (open) input.current?.select();
  }, [open]);
  const from = Math.max(0, now - SHOWN);
  const place = (time: number) => `${(100 * (Math.max(time, from) - from)) / SHOWN}%`;
  const active = speaks(voice);
  return (
    <li class={active ? "live-lane active" : "live-lane"} data-voice={colour}>
      <div class="live-who">
        {typed !== null && onName ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              setTyped(null);
              if (typed.trim()) onName(typed.trim());
            }}
          >
            <input
              class="input"
              aria-label={`Name of ${spokenLabel(voice.speaker)}`}
              value={typed}
              maxLength={100}
              ref={input}
              onInput={(event) => setTyped(event.currentTarget.value)}
              onKeyDown={(event) => event.key === "Escape" && setTyped(null)}
            />
          </form>
        ) : (
          <button type="button" class="live-name" disabled={!onName} onClick={() => setTyped(voice.match ?? "")}>
            <Icon name={active ? "wave" : "person"} />
            <strong>{voice.match ?? spokenLabel(voice.speaker)}</strong>
            {voice.match && voice.status !== "confirmed" && <span class="muted">perhaps</span>}
          </button>
        )}
        <span class="muted numbers small">{clock(spoken(voice, now))}</span>
      </div>
      <div class="live-track" aria-hidden="true">
        {voice.turns
          .filter((turn) => (turn.end ?? now) > from)
          .map((turn) => (
            <span
              key={turn.start}
              style={{
                left: place(turn.start),
                width: `${(100 * Math.max(0.2, (turn.end ?? now) - Math.max(turn.start, from))) / SHOWN}%`,
              }}
            />
          ))}
      </div>
    </li>
  );
}

function spokenLabel(speaker: string): string {
  return `Voice ${Number(speaker.replace(/\D/g, "")) + 1}`;
}
