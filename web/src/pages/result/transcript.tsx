// Handing in a transcript of a recording: its words then stand beside the turns, and in what is exported.
import { useRef, useState } from "preact/hooks";
import { api, words } from "../../api/client";
import { type Job, outputOf } from "../../api/types";
import { count } from "../../times";
import { TRANSCRIPTS, textOf } from "../../transcript";
import { Button, Note } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell } from "../../ui/toasts";

/** How many words the transcript of a result has. */
function spoken(job: Job): number {
  const said = outputOf(job)?.turnLevelTranscription ?? [];
  return said.reduce((sum, { text }) => sum + text.split(/\s+/).filter(Boolean).length, 0);
}

export function HandIn({ job, onChange, onClose }: { job: Job; onChange: (job: Job) => void; onClose: () => void }) {
  const chooser = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  async function take(file: File) {
    setBusy(true);
    setError("");
    try {
      const body = { transcript: await textOf(file) };
      const now = await api.put("/v1/jobs/{jobId}/transcript", { path: { jobId: job.jobId }, body });
      onChange(now);
      tell(`${count(spoken(now), "word")} of ${file.name} stand beside the turns now.`);
      onClose();
    } catch (fault) {
      setError(words(fault));
    }
    setBusy(false);
  }

  return (
    <Dialog title="Hand in a transcript" onClose={onClose}>
      <p>
        Choose the transcript of this recording: SubRip, WebVTT, JSON of Whisper and others, or text with times. Its
        words are given to whoever speaks at the time, and follow the names from then on.
      </p>
      {error && <Note kind="bad">{error}</Note>}
      <input
        ref={chooser}
        type="file"
        accept={TRANSCRIPTS}
        class="visually-hidden"
        tabIndex={-1}
        aria-label="Transcript"
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          event.currentTarget.value = "";
          if (file) void take(file);
        }}
      />
      <div class="row">
        <Button kind="primary" icon="upload" busy={busy} onClick={() => chooser.current?.click()}>
          Choose a file
        </Button>
      </div>
    </Dialog>
  );
}

export async function removeTranscript(job: Job): Promise<Job> {
  const now = await api.delete("/v1/jobs/{jobId}/transcript", { path: { jobId: job.jobId } });
  tell("The transcript is gone from this result.");
  return now;
}
