// Where a sample comes from: the microphone, with something to read aloud, or a file.
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { bytes, length } from "../../times";
import { Button, Choice, Note } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { canRecord, Microphone } from "../../ui/microphone";

const AIM = 30; // seconds of a good recording
const MOST = 29.5; // seconds at which it stops by itself: the server takes thirty
const FEW = 10; // seconds below which names are less sure
const TEXT = [
  "On a clear morning in early spring, the harbour was already busy. Two old friends pushed their small blue boat into",
  "the water and talked about the weather, the price of fish, and a letter that had come the day before. “Should we turn",
  "left at the lighthouse?” asked one. “Not today,” said the other, laughing; “just follow the gulls.” Half an hour later",
  "they could hear the church bells ring across the bay, and somebody on the shore waved a yellow scarf.",
].join(" ");

type Way = "record" | "file";

export function SampleSource({
  value,
  onChange,
  onRecording,
}: {
  value: File | null;
  onChange: (recording: File | null) => void;
  onRecording?: (active: boolean) => void;
}) {
  const [way, setWay] = useState<Way>(canRecord ? "record" : "file");
  const [seconds, setSeconds] = useState<number | null>(null); // of what was recorded
  const [recording, setRecording] = useState(false);

  function take(file: File | null, recorded: number | null) {
    setSeconds(recorded);
    onChange(file);
  }

  if (value) return <Taken file={value} seconds={seconds} onAgain={() => take(null, null)} />;
  return (
    <div class="stack sample-source">
      {!recording && (
        <Choice
          label="A recording of them alone"
          value={way}
          options={[
            ["record", "Microphone"],
            ["file", "File"],
          ]}
          onChange={setWay}
        />
      )}
      {way === "record" ? (
        <>
          <div class={recording ? "reading now" : "reading"}>
            <h3>{recording ? "Read this aloud" : "To read aloud, for about half a minute"}</h3>
            <p>{TEXT}</p>
            <p class="small muted">Or say whatever you like, in any language. Alone, and as you always speak.</p>
          </div>
          <Microphone
            aim={AIM}
            most={MOST}
            onRecording={(active) => {
              setRecording(active);
              onRecording?.(active);
            }}
            onRecorded={(file, recorded) => take(file, recorded)}
          />
        </>
      ) : (
        <FileDrop onFile={(file) => take(file, null)} />
      )}
    </div>
  );
}

function FileDrop({ onFile }: { onFile: (file: File) => void }) {
  const id = useId();
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div
      class={over ? "sample-drop over" : "sample-drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file) onFile(file);
      }}
    >
      <Icon name="upload" size={24} />
      <p>
        Drop a recording here, or <label for={id}>choose a file</label>
      </p>
      <p class="small muted">
        Audio or video in which they speak alone, 10 s or more. Of more than 30 s the best are taken.
      </p>
      <input
        ref={input}
        id={id}
        class="visually-hidden"
        type="file"
        accept="audio/*,video/*"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) onFile(file);
        }}
      />
    </div>
  );
}

/** What was recorded or chosen: to listen to before it is sent. */
function Taken({ file, seconds, onAgain }: { file: File; seconds: number | null; onAgain: () => void }) {
  const src = useMemo(() => URL.createObjectURL(file), [file]);
  useEffect(() => () => URL.revokeObjectURL(src), [src]);
  return (
    <div class="stack">
      <div class="sample-taken">
        <div class="row spread">
          <span class="grow ellipsis">
            <strong>{file.name}</strong>{" "}
            <span class="muted small numbers">{seconds === null ? bytes(file.size) : length(seconds)}</span>
          </span>
          <Button small icon="refresh" onClick={onAgain}>
            Another
          </Button>
        </div>
        <audio controls src={src} aria-label="The recording" />
      </div>
      {seconds !== null && seconds < FEW && (
        <Note kind="caution">
          That is {length(seconds)}. It works from a few seconds on, but with {FEW} s or more names are surer.
        </Note>
      )}
    </div>
  );
}
