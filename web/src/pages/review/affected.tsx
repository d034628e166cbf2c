// Recordings that were named by other people than there are now: one action for all of them.
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../times";
import { Button, Note, Progress } from "../../ui/controls";
import { tell, tellError } from "../../ui/toasts";
import { nameAllAgain } from "./reviewing";

export function Affected({ recordings, onDone }: { recordings: number; onDone: () => Promise<void> }) {
  const [done, setDone] = useState<{ done: number; all: number } | null>(null);
  const stopped = useRef(false);
  useEffect(
    () => () => {
      stopped.current = true;
    },
    [],
  );
  if (!recordings && !done) return null;

  async function run() {
    setDone({ done: 0, all: recordings });
    try {
      const { named, changed } = await nameAllAgain((now, all) => setDone({ done: now, all }), {
        stopped: () => stopped.current,
      });
      tell(`${count(named, "recording")} named again; ${changed || "none"} of them with other people now.`);
      await onDone();
    } catch (error) {
      tellError(error);
    }
    setDone(null);
  }

  return (
    <Note
      action={
        <Button icon="refresh" busy={done !== null} onClick={run}>
          {recordings === 1 ? "Name it again" : "Name them again"}
        </Button>
      }
    >
      <p>
        <strong>Your people have changed</strong> since {count(recordings, "recording")}{" "}
        {recordings === 1 ? "was" : "were"} named. What was decided by hand stays.
      </p>
      {done && (
        <Progress value={done.all ? done.done / done.all : 1} label={`${done.done} of ${done.all} named again`} />
      )}
    </Note>
  );
}
