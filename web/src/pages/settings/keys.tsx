// The team's API keys.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import { ago, day } from "../../times";
import { Button, Check, Choice, Field, Note, Tag } from "../../ui/controls";
import { Confirm, Dialog } from "../../ui/dialog";
import { useLoaded } from "../../ui/loaded";
import { tell } from "../../ui/toasts";
import { Copyable, Of } from "./section";
import type { Key, NewKey } from "./types";

type Scope = Key["scopes"][number];

const SCOPES: readonly (readonly [Scope, string])[] = [
  ["jobs:read", "look at recordings and usage"],
  ["jobs:write", "submit, cancel and delete recordings"],
  ["media:write", "upload"],
  ["media:read", "download what was uploaded"],
  ["speakers:read", "see people, and listen to their samples"],
  ["speakers:write", "add, change and erase people"],
  ["admin", "manage keys, models and the server"],
];
const WEB_KEY = "web app";

export function Keys() {
  const loaded = useLoaded<{ items: Key[] }>((signal) => api.get("/v1/keys", { signal }), []);
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);

  async function revoke(key: Key) {
    await api.delete("/v1/keys/{keyId}", { path: { keyId: key.id } });
    await loaded.reload();
    tell(`${key.name} was revoked.`);
  }

  return (
    <>
      <div class="row spread">
        <p class="muted grow">Programs send a key with every request. It is shown once, when it is made.</p>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          Make a key
        </Button>
      </div>
      <Of loaded={loaded}>
        {({ items }) => {
          const valid = items.filter((key) => !key.revokedAt);
          const revoked = items.filter((key) => key.revokedAt);
          return (
            <>
              <ul class="card list">
                {valid.map((key) => (
                  <KeyRow key={key.id} item={key} onRevoke={() => setRevoking(key)} />
                ))}
              </ul>
              {revoked.length > 0 && (
                <details>
                  <summary>Revoked keys ({revoked.length})</summary>
                  <ul class="card list revoked">
                    {revoked.map((key) => (
                      <KeyRow key={key.id} item={key} />
                    ))}
                  </ul>
                </details>
              )}
            </>
          );
        }}
      </Of>
      {making && <MakeKey onClose={() => setMaking(false)} onMade={() => void loaded.reload()} />}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          action="Revoke"
          onConfirm={() => revoke(revoking)}
          onClose={() => setRevoking(null)}
        >
          {revoking.person ? (
            <p>
              They are signed out everywhere, at once. With another link, or as long as the provider of their account
              lets them, they can sign in again.
            </p>
          ) : (
            <p>
              Programs that use the key ending in {revoking.hint} are refused from now on. It cannot be brought back.
            </p>
          )}
        </Confirm>
      )}
    </>
  );
}

function KeyRow({ item, onRevoke }: { item: Key; onRevoke?: () => void }) {
  const all = SCOPES.every(([scope]) => item.scopes.includes(scope));
  const web = item.name === WEB_KEY;
  return (
    <li>
      <div class="grow">
        <p class="row">
          <strong>{web ? "Sign-in by link" : item.name}</strong>
          {item.person && <Tag>a person</Tag>}
          {!web && !item.person && <code class="muted">…{item.hint}</code>}
          {item.current && <Tag kind="good">used by this browser</Tag>}
        </p>
        <p class="small muted">
          {web && "The web app's own, for browsers that open a link. "}
          {item.person && "Signs in by name; to revoke this signs them out. "}
          {all ? "Everything" : item.scopes.join(", ")}; made {day(item.createdAt)}
          {item.revokedAt && `, revoked ${ago(item.revokedAt)}`}
        </p>
      </div>
      {onRevoke && !item.current && (
        <Button small onClick={onRevoke} aria-label={`Revoke ${item.name}`}>
          Revoke
        </Button>
      )}
    </li>
  );
}

function MakeKey({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [rights, setRights] = useState<"all" | "some">("all");
  const [scopes, setScopes] = useState<Scope[]>(["jobs:read", "jobs:write", "media:write"]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [made, setMade] = useState<NewKey | null>(null);

  async function make(event: Event) {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      const body = { name: name.trim(), ...(rights === "some" ? { scopes } : {}) };
      setMade(await api.post("/v1/keys", { body }));
      onMade();
    } catch (fault) {
      setError(words(fault));
    }
    setBusy(false);
  }

  if (made)
    return (
      <Dialog title={`The key ${made.name}`} onClose={onClose}>
        <div class="stack">
          <Note kind="caution">Copy it now: nobody can see it again.</Note>
          <Copyable value={made.key} what="The key" />
          <div class="dialog-actions">
            <Button kind="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <form class="stack" onSubmit={make}>
        <Field label="Name" hint="What it is for, such as laptop or meeting-bot." error={error}>
          {(ids) => (
            <input
              {...ids}
              required
              maxLength={100}
              autocomplete="off"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Choice
          label="What it may do"
          value={rights}
          options={[
            ["all", "Everything"],
            ["some", "Only some things"],
          ]}
          onChange={setRights}
        />
        {rights === "some" && (
          <div class="scopes">
            {SCOPES.map(([scope, text]) => (
              <Check
                key={scope}
                checked={scopes.includes(scope)}
                onChange={(on) => setScopes(on ? [...scopes, scope] : scopes.filter((each) => each !== scope))}
              >
                <code>{scope}</code> <span class="muted">{text}</span>
              </Check>
            ))}
          </div>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={rights === "some" && !scopes.length}>
            Make the key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
