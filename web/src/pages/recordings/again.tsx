// Naming recordings again, by the people there are now: what was decided by hand stays.
import { useRef, useState } from "preact/hooks";
import { ApiError, api } from "../../api/client";
import { type JobItem, type JobList, outputOf } from "../../api/types";
import { count } from "../../times";
import { Button, Progress } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { tell, tellError } from "../../ui/toasts";
import { nameAgain } from "../result/deciding";
import { hasPage } from "./words";

const GONE: ReadonlySet<number> = new Set([404, 409]); // its voices are not kept, or cannot be compared

/** Of all recordings, or of those that were chosen. */
export function NameAllAgain({ jobs, onDone }: { jobs?: readonly JobItem[]; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState<{ done: number; all: number } | null>(null);
  const stopped = useRef(false);

  async function run() {
    stopped.current = false;
    const all = jobs?.filter((job) => job.status === "succeeded" && hasPage(job)) ?? (await everything());
    let named = 0;
    let others = 0;
    for (const [index, job] of all.entries()) {
      if (stopped.current) break;
      setDone({ done: index, all: all.length });
      try {
        const after = outputOf(await nameAgain(job.id))?.voiceprints ?? [];
        named += 1;
        others += Number(namesOf(after.map((voice) => voice.match)) !== namesOf(job.speakers.map(({ name }) => name)));
      } catch (error) {
        if (!(error instanceof ApiError && GONE.has(error.status))) throw error;
      }
    }
    tell(`${count(named, "recording")} named again; ${others || "none"} of them with other people now.`);
  }

  function close() {
    stopped.current = true;
    setAsking(false);
    setDone(null);
  }

  return (
    <>
      <Button icon="refresh" small={Boolean(jobs)} onClick={() => setAsking(true)}>
        Name again
      </Button>
      {asking && (
        <Dialog
          title={jobs ? `Name ${count(jobs.length, "recording")} again?` : "Name all recordings again?"}
          onClose={close}
        >
          <div class="stack">
            <p>
              The voices of {jobs ? "these" : "all"} recordings, as far as they are kept, are compared with the people
              you know now. Nothing is heard again, and what was decided by hand stays.
            </p>
            {done && <Progress value={done.done / done.all} label={`${done.done} of ${done.all}`} />}
            <div class="dialog-actions">
              <Button onClick={close}>{done ? "Stop" : "Cancel"}</Button>
              <Button
                kind="primary"
                busy={done !== null}
                onClick={() => {
                  setDone({ done: 0, all: 1 });
                  run()
                    .catch(tellError)
                    .finally(() => {
                      close();
                      onDone();
                    });
                }}
              >
                Name them again
              </Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** All recordings that were heard to their end. */
async function everything(): Promise<JobItem[]> {
  const items: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: 100, status: "succeeded" as const, cursor };
    const page: JobList = await api.get("/v2/jobs", { query });
    items.push(...page.items.filter(hasPage));
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}

function namesOf(names: readonly (string | null)[]): string {
  return [...new Set(names.filter((name) => name !== null))].sort().join("\n");
}
