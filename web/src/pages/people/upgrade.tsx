// People whom an earlier model knows: what that means, and bringing them to the one the server hears with.
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { GalleryUpgrade, UpgradeRun } from "../../api/types";
import { may } from "../../session";
import { count } from "../../times";
import { Button, Note, Progress } from "../../ui/controls";
import { Confirm } from "../../ui/dialog";
import { useLoaded } from "../../ui/loaded";
import { tell, tellError } from "../../ui/toasts";

const LOOK = 1000; // milliseconds between two looks at it
const NAMED = 5; // people who would stay behind

/** Nothing where there is nothing to do. `onDone` when people have changed over. */
export function Upgrade({ onDone }: { onDone: () => void }) {
  const loaded = useLoaded<GalleryUpgrade>((signal) => api.get("/v1/speakers/upgrade", { signal }), []);
  const [asking, setAsking] = useState(false);
  const [begun, setBegun] = useState(false);
  const state = loaded.value;
  const running = state?.run?.state === "running";
  useEffect(() => {
    if (running) {
      setBegun(true);
      const timer = setTimeout(() => void loaded.reload(), LOOK);
      return () => clearTimeout(timer);
    }
    if (begun && state?.run?.state === "succeeded") {
      tell(`People are compared by ${state.encoder} now.`);
      onDone();
    }
    setBegun(false);
  }, [state]);

  async function begin(withoutThem: boolean) {
    loaded.set(await api.post("/v1/speakers/upgrade", { body: { withoutThem } }));
    setBegun(true);
  }

  if (!state || (!state.needed && !running)) return null;
  if (running) return <Going run={state.run as UpgradeRun} />;
  return (
    <>
      <Note
        kind={state.run?.error ? "caution" : "info"}
        action={
          may("speakers:write") && (
            <Button onClick={() => (state.withoutClip ? setAsking(true) : void begin(false).catch(tellError))}>
              Upgrade
            </Button>
          )
        }
      >
        {state.earlier
          ? `${count(state.earlier, "person was", "people were")} enrolled with another model than the server's.`
          : `${count(state.samples, "sample was", "samples were")} made by another model than the server's.`}{" "}
        Recordings are compared with people by {state.encoder}. An upgrade learns voices anew, from the clips that are
        kept, with {state.serverEncoder}.{state.run?.error && <p class="small">{state.run.error}</p>}
      </Note>
      {asking && (
        <Confirm
          title="Upgrade without some people?"
          action="Upgrade without them"
          onClose={() => setAsking(false)}
          onConfirm={() => begin(true)}
        >
          Of {names(state)} nothing is kept to listen to, so {state.serverEncoder} cannot learn their voices. They keep
          their samples, but are not recognised until you add a recording of them. To lose nobody, add recordings first.
        </Confirm>
      )}
    </>
  );
}

function Going({ run }: { run: UpgradeRun }) {
  return (
    <Note>
      People are learned anew: {run.done} of {count(run.total, "sample", "samples")}. Until all are, everything goes on
      as before.
      <Progress value={run.total ? run.done / run.total : undefined} label="People who are learned anew" />
    </Note>
  );
}

function names(state: GalleryUpgrade): string {
  const some = state.withoutClipSpeakers.slice(0, NAMED).map((person) => person.name);
  const more = state.withoutClip - some.length;
  return `${some.join(", ")}${more ? ` and ${more} more` : ""}`;
}
