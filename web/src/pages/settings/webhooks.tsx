// Webhooks: the secrets that sign them, and what became of each.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import { may } from "../../session";
import { ago, at, count } from "../../times";
import { Button, Check, Empty, Note, Tag } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { useLoaded } from "../../ui/loaded";
import { tell, tellError } from "../../ui/toasts";
import { Copyable, Of } from "./section";
import type { Delivery, Page, Secret } from "./types";

const PAGE = 20;
const SETTLES = 1500; // milliseconds in which most replays are over

export function Webhooks() {
  return (
    <>
      {may("admin") && <Secrets />}
      <Deliveries />
    </>
  );
}

function Secrets() {
  const loaded = useLoaded<{ items: Secret[] }>((signal) => api.get("/v1/webhooks/secrets", { signal }), []);
  const [rotating, setRotating] = useState(false);
  return (
    <section class="card stack" aria-labelledby="secrets">
      <div class="row spread">
        <h3 id="secrets">Secret</h3>
        <Button small icon="refresh" onClick={() => setRotating(true)}>
          New secret
        </Button>
      </div>
      <p class="muted small">Every webhook is signed with it, so that receivers can tell it from a forged one.</p>
      <Of loaded={loaded}>
        {({ items }) => (
          <ul class="stack">
            {[...items].reverse().map((secret) => (
              <li key={secret.secret} class="stack-small">
                <Copyable hidden value={secret.secret} what="The secret" />
                <p class="small muted">
                  Made {at(secret.createdAt)}
                  {secret.expiresAt
                    ? `; replaced, valid until ${at(secret.expiresAt)}`
                    : "; valid until you replace it"}
                </p>
              </li>
            ))}
          </ul>
        )}
      </Of>
      {rotating && <Rotate onClose={() => setRotating(false)} onDone={() => void loaded.reload()} />}
    </section>
  );
}

function Rotate({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [atOnce, setAtOnce] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  async function rotate() {
    setBusy(true);
    try {
      await api.post("/v1/webhooks/secrets", { body: { atOnce } });
      onDone();
      onClose();
      tell("There is a new secret. Give it to the receivers.");
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }
  return (
    <Dialog title="Make a new secret?" onClose={onClose}>
      <div class="stack">
        <p>
          Webhooks are signed with both until the one before is over, a day by default. Give the new one to every
          receiver in that time.
        </p>
        <Check checked={atOnce} onChange={setAtOnce}>
          Make those before worthless at once, since one has leaked
        </Check>
        {error && <Note kind="bad">{error}</Note>}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={atOnce ? "danger" : "primary"} busy={busy} onClick={rotate}>
            Make a new secret
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function Deliveries() {
  const [state, setState] = useState<Delivery["state"] | "">("");
  const [more, setMore] = useState<Page<Delivery>[]>([]);
  const loaded = useLoaded<Page<Delivery>>(
    (signal) => {
      setMore([]);
      return api.get("/v1/webhooks/deliveries", { query: { limit: PAGE, state: state || null }, signal });
    },
    [state],
  );

  async function older(cursor: string) {
    try {
      const next = await api.get("/v1/webhooks/deliveries", { query: { limit: PAGE, state: state || null, cursor } });
      setMore([...more, next]);
    } catch (error) {
      tellError(error);
    }
  }

  async function replay(delivery: Delivery) {
    try {
      await api.post("/v1/webhooks/deliveries/{deliveryId}/replay", { path: { deliveryId: delivery.id } });
      tell("It is delivered once more.");
      setTimeout(() => void loaded.reload(), SETTLES);
    } catch (error) {
      tellError(error);
    }
  }

  return (
    <section class="card stack" aria-labelledby="deliveries">
      <div class="row spread">
        <h3 id="deliveries">Deliveries</h3>
        <div class="row">
          <label>
            <span class="visually-hidden">Which</span>
            <select
              class="compact"
              value={state}
              onChange={(event) => setState(event.currentTarget.value as typeof state)}
            >
              <option value="">All</option>
              <option value="failed">Failed</option>
              <option value="pending">Waiting</option>
              <option value="delivered">Delivered</option>
            </select>
          </label>
          <Button small icon="refresh" aria-label="Look again" onClick={() => void loaded.reload()} />
        </div>
      </div>
      <Of loaded={loaded}>
        {(first) => {
          const items = [first, ...more].flatMap((page) => page.items);
          const cursor = (more.at(-1) ?? first).nextCursor;
          if (!items.length)
            return (
              <Empty icon="link" title={state ? "No such delivery" : "No webhook was sent yet"}>
                {state
                  ? "Others may be there: choose All."
                  : "A job that was submitted with a webhook is delivered to its address when it has ended."}
              </Empty>
            );
          return (
            <>
              <ul class="list flush">
                {items.map((delivery) => (
                  <DeliveryRow key={delivery.id} delivery={delivery} onReplay={() => void replay(delivery)} />
                ))}
              </ul>
              {cursor && (
                <p>
                  <Button onClick={() => void older(cursor)}>Show older ones</Button>
                </p>
              )}
            </>
          );
        }}
      </Of>
    </section>
  );
}

const STATES = {
  delivered: ["delivered", "good"],
  failed: ["failed", "bad"],
  pending: ["waiting", "caution"],
} as const;

function DeliveryRow({ delivery, onReplay }: { delivery: Delivery; onReplay: () => void }) {
  const [words_, kind] = STATES[delivery.state];
  return (
    <li>
      <div class="grow">
        <p class="row">
          <Tag kind={kind}>{words_}</Tag>
          <code class="ellipsis url">{delivery.url}</code>
        </p>
        <p class="small muted">
          For <a href={`/jobs/${delivery.jobId}`}>a recording</a>, {ago(delivery.createdAt)}
          {delivery.state === "pending" &&
            delivery.nextAt &&
            Date.parse(delivery.nextAt) > Date.now() &&
            `; the next attempt ${ago(delivery.nextAt)}`}
        </p>
        {delivery.attempts.length > 0 && (
          <details class="small">
            <summary>{count(delivery.attempts.length, "attempt")}</summary>
            <ol class="attempts">
              {delivery.attempts.map((attempt) => (
                <li key={attempt.at}>
                  <time class="muted numbers" dateTime={attempt.at}>
                    {at(attempt.at)}
                  </time>{" "}
                  {attempt.error ?? `Answered ${attempt.status}`}{" "}
                  <span class="muted numbers">in {attempt.seconds.toFixed(2)} s</span>
                </li>
              ))}
            </ol>
          </details>
        )}
      </div>
      {may("jobs:write") && (
        <Button small icon="refresh" onClick={onReplay}>
          Deliver again
        </Button>
      )}
    </li>
  );
}
