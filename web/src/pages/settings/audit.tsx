// What was done to people, keys and models, newest first.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import { ago, at } from "../../times";
import { Button, Empty } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";
import { tellError } from "../../ui/toasts";
import { Of } from "./section";
import type { AuditEntry, Page } from "./types";

const PAGE = 50;
const NOUNS: Record<string, string> = {
  speaker: "a person",
  sample: "a sample",
  key: "an API key",
  session: "a session in a browser",
  model: "a pack of models",
  webhook_secret: "the secret of webhooks",
  team_key: "the team's key",
  master_key: "the master key",
};

export function Audit() {
  const loaded = useLoaded<Page<AuditEntry>>((signal) => api.get("/v1/audit", { query: { limit: PAGE }, signal }), []);
  const [more, setMore] = useState<Page<AuditEntry>[]>([]);
  async function older(cursor: string) {
    try {
      setMore([...more, await api.get("/v1/audit", { query: { limit: PAGE, cursor } })]);
    } catch (error) {
      tellError(error);
    }
  }
  return (
    <>
      <p class="muted">
        Who did what, and when. It names the people of the gallery by their ids alone, so that it keeps nothing of them.
      </p>
      <Of loaded={loaded}>
        {(first) => {
          const items = [first, ...more].flatMap((page) => page.items);
          const cursor = (more.at(-1) ?? first).nextCursor;
          if (!items.length)
            return (
              <Empty icon="list" title="Nothing is noted yet">
                Changes of people, keys and models are noted here.
              </Empty>
            );
          return (
            <>
              <ul class="card list">
                {items.map((entry) => (
                  <Entry key={entry.id} entry={entry} />
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
    </>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const details = Object.entries(entry.details);
  return (
    <li>
      <div class="grow">
        <p>{sentence(entry.action)}</p>
        <p class="small muted">
          <time dateTime={entry.at} title={at(entry.at)}>
            {ago(entry.at)}
          </time>{" "}
          by {entry.keyName ? <strong>{entry.keyName}</strong> : "the server itself"}
          {details.map(([name, value]) => (
            <span key={name}>
              {" · "}
              {name}: {String(value)}
            </span>
          ))}
        </p>
        {entry.subject && (
          <p class="small muted">
            {entry.action.startsWith("speaker.") && entry.action !== "speaker.erased" ? (
              <a href={`/people/${entry.subject}`}>
                <code>{entry.subject}</code>
              </a>
            ) : (
              <>
                {entry.subjectName && `${entry.subjectName} `}
                <code>{entry.subject}</code>
              </>
            )}
          </p>
        )}
      </div>
    </li>
  );
}

/** "speaker.erased" → "Erased a person". */
function sentence(action: string): string {
  const [noun = "", participle = ""] = action.split(".");
  const done = participle.replaceAll("_", " ");
  return `${done.charAt(0).toUpperCase()}${done.slice(1)} ${NOUNS[noun] ?? noun.replaceAll("_", " ")}`;
}
