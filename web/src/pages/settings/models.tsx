// Packs of models: which are there, which one is used, and getting more.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import { ago, bytes } from "../../times";
import { Button, Note, Progress, Tag } from "../../ui/controls";
import { Confirm } from "../../ui/dialog";
import { useLoaded } from "../../ui/loaded";
import { tell, tellError } from "../../ui/toasts";
import { Of } from "./section";
import type { ModelPack, ModelsAnswer } from "./types";

const LOOK = 1000; // milliseconds between two looks at a pull

export function Models() {
  const loaded = useLoaded<ModelsAnswer>((signal) => api.get("/v1/models", { signal }), []);
  const pulling = loaded.value?.packs.find((pack) => pack.pull?.state === "running");
  const before = useRef<string | undefined>(undefined);
  const [asking, setAsking] = useState<ModelPack | null>(null);
  useEffect(() => {
    const over = loaded.value?.packs.find((pack) => pack.name === before.current && pack.pull?.state !== "running");
    if (over)
      tell(over.complete ? `The pack ${over.name} is here.` : `The pack ${over.name} could not be pulled.`, {
        bad: !over.complete,
      });
    before.current = pulling?.name;
    if (!pulling) return;
    const timer = setTimeout(() => void loaded.reload(), LOOK);
    return () => clearTimeout(timer);
  }, [loaded.value]);

  async function pull(pack: ModelPack) {
    try {
      loaded.set(await api.post("/v1/models/{pack}/pull", { path: { pack: pack.name } }));
    } catch (error) {
      tellError(error);
    }
  }

  return (
    <>
      <p class="muted">
        A pack hears voices in its own way. Better packs are larger, and are got from the network on request.
      </p>
      <Of loaded={loaded}>
        {(models) => (
          <>
            {!models.default && (
              <Note kind="bad">
                The pack that <code>TIMBRE_MODEL={models.model}</code> names is not on this machine: nothing can be
                heard until it is. Pull it below.
              </Note>
            )}
            {models.offline && (
              <Note>
                Downloads are forbidden by <code>TIMBRE_OFFLINE</code>. Bring packs with{" "}
                <code>timbre models import</code>.
              </Note>
            )}
            <Automatic models={models} />
            <ul class="card list">
              {models.packs.map((pack) => (
                <PackRow
                  key={pack.name}
                  pack={pack}
                  used={pack.name === models.default}
                  canPull={!models.offline && !pulling}
                  onPull={() => setAsking(pack)}
                />
              ))}
            </ul>
          </>
        )}
      </Of>
      {asking && (
        <Confirm
          title={`Pull ${asking.name}?`}
          action="Pull it"
          kind="primary"
          onConfirm={() => pull(asking)}
          onClose={() => setAsking(null)}
        >
          {loaded.value?.model === "auto" ? (
            <p>
              The best complete pack is used, by everybody on this server, from the next recording on. People who are
              enrolled go on to be compared by the one before until you upgrade them, under People, from the clips that
              are kept. Whoever has no clip must be enrolled again, and voiceprints that programs keep must be made
              again.
            </p>
          ) : (
            <p>
              It comes to this server and is used by whoever asks for it. Everybody else stays with{" "}
              <code>TIMBRE_MODEL={loaded.value?.model}</code>.
            </p>
          )}
        </Confirm>
      )}
    </>
  );
}

/** What happens to people when a better pack comes. */
function Automatic({ models }: { models: ModelsAnswer }) {
  const used = models.packs.findIndex((pack) => pack.name === models.default);
  if (models.model !== "auto" || used <= 0) return null;
  return (
    <Note>
      The best complete pack is used, as <code>TIMBRE_MODEL</code> is <code>auto</code>. After a change to another
      encoder, people are compared by the one before until you upgrade them, under <a href="/people">People</a>. To stay
      with this pack, set <code>TIMBRE_MODEL={models.default}</code>.
    </Note>
  );
}

function PackRow({
  pack,
  used,
  canPull,
  onPull,
}: {
  pack: ModelPack;
  used: boolean;
  canPull: boolean;
  onPull: () => void;
}) {
  const { pull } = pack;
  const running = pull?.state === "running";
  const notes = [...new Set(pack.files.map((file) => file.note).filter(Boolean))];
  return (
    <li>
      <div class="grow stack-small">
        <p class="row">
          <strong>{pack.name}</strong>
          {used && <Tag kind="good">in use</Tag>}
          {pack.complete ? !used && <Tag>on disk</Tag> : !running && <Tag>not here</Tag>}
        </p>
        <p class="small">{pack.description}</p>
        <p class="small muted numbers">
          {pack.bytes === null ? "Size not published" : bytes(pack.bytes)} · {pack.licences.join(", ")}
        </p>
        {notes.map((note) => (
          <p key={note} class="small muted">
            {note}
          </p>
        ))}
        {running && (
          <div class="stack-small">
            <p class="small muted numbers">
              Fetching {pull.file ?? "the first file"}, {Math.round(pull.fraction * 100)} %
            </p>
            <Progress label={`Pulling ${pack.name}`} value={pull.fraction} />
          </div>
        )}
        {pull?.state === "failed" && (
          <Note kind="bad">
            Pulled {ago(pull.endedAt ?? pull.startedAt)} without success. {pull.error}
          </Note>
        )}
        <details class="small">
          <summary>Files</summary>
          <ul class="files">
            {pack.files.map((file) => (
              <li key={file.name}>
                <code>{file.name}</code> <span class="muted">{KINDS[file.kind]}</span>{" "}
                <span class="muted numbers">{file.bytes === null ? "" : bytes(file.bytes)}</span>{" "}
                {file.onDisk ? "on disk" : <span class="muted">not here</span>}
                {file.shipped && <span class="muted">, comes with Timbre</span>}
              </li>
            ))}
          </ul>
        </details>
      </div>
      {!pack.complete && (
        <Button
          small
          icon="download"
          busy={running}
          disabled={!canPull}
          onClick={onPull}
          aria-label={`Pull ${pack.name}`}
        >
          Pull
        </Button>
      )}
    </li>
  );
}

const KINDS = { vad: "finds speech", segmenter: "tells who talks at once", encoder: "knows voices" };
