// People: the voices that Timbre knows, as cards and as a map.
import { useEffect, useState } from "preact/hooks";
import { announce } from "../announce";
import { api } from "../api/client";
import type { SpeakerList } from "../api/types";
import { go, query } from "../router";
import { may } from "../session";
import { count } from "../times";
import { Button, Choice, Empty, Loading, Note, PageHead } from "../ui/controls";
import { Icon } from "../ui/icons";
import { useLoaded } from "../ui/loaded";
import { Menu } from "../ui/menu";
import { tellError } from "../ui/toasts";
import { AddPerson } from "./people/add-person";
import { PersonCard } from "./people/card";
import { VoiceMap } from "./people/map";
import { Import } from "./people/transfer";
import { Upgrade } from "./people/upgrade";
import "./people.css";

const PAGE = 48;
const PAUSE = 200; // milliseconds after the last key before it is searched

type View = "cards" | "map";

export function People() {
  const part = query.value.get("q") ?? "";
  const tag = query.value.get("tag") ?? "";
  const view: View = query.value.get("view") === "map" ? "map" : "cards";
  const [adding, setAdding] = useState(query.value.get("add") !== null);
  const [importing, setImporting] = useState(false);
  const found = useLoaded<SpeakerList>(
    (signal) => api.get("/v1/speakers", { query: { limit: PAGE, q: part, tag }, signal }),
    [part, tag],
  );
  const total = found.value?.total;
  const narrowed = Boolean(part || tag);
  const nobody = total === 0 && !narrowed;
  useEffect(() => {
    if (total !== undefined && narrowed) announce(`${count(total, "person", "people")} found.`);
  }, [total, narrowed]);

  const tags = useKnownTags(found.value);
  return (
    <>
      <PageHead
        title="People"
        lead={
          total === undefined || narrowed
            ? "The voices that Timbre knows by name."
            : nobody
              ? "Nobody yet."
              : `${count(total, "person", "people")}, whom recordings are compared with.`
        }
      >
        {may("speakers:write") && (
          <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>
            Add a person
          </Button>
        )}
        <Menu
          label="More"
          icon="more"
          items={[
            may("speakers:write") && {
              text: "Import…",
              icon: "upload",
              hint: "What another Timbre exported",
              onSelect: () => setImporting(true),
            },
            {
              text: "Export",
              icon: "download",
              hint: "Holds voiceprints: keep it safe",
              href: "/v1/speakers/export",
              download: "people.jsonl",
            },
          ]}
        />
      </PageHead>
      {found.error && (
        <Note kind="bad" action={<Button onClick={() => void found.reload()}>Try again</Button>}>
          {found.error}
        </Note>
      )}
      <Upgrade onDone={() => void found.reload()} />
      {!nobody && (
        <div class="people-tools">
          <Search value={part} onChange={(q) => go(where({ q, tag, view }), { replace: true })} />
          {view === "cards" && (tags.length > 0 || tag) && (
            <label class="tag-filter">
              <span class="visually-hidden">Tag</span>
              <select value={tag} onChange={(event) => go(where({ q: part, tag: event.currentTarget.value, view }))}>
                <option value="">All tags</option>
                {[...new Set([...tags, ...(tag ? [tag] : [])])].sort().map((each) => (
                  <option key={each} value={each}>
                    {each}
                  </option>
                ))}
              </select>
            </label>
          )}
          <Choice
            label="Show as"
            value={view}
            options={[
              ["cards", "Cards"],
              ["map", "Map"],
            ]}
            onChange={(next) => go(where({ q: part, tag, view: next }))}
          />
        </div>
      )}
      {nobody ? (
        <Nobody onAdd={() => setAdding(true)} />
      ) : view === "map" ? (
        <VoiceMap part={part} />
      ) : (
        <Cards key={`${part}/${tag}`} first={found.value} part={part} tag={tag} />
      )}
      {adding && <AddPerson onClose={() => setAdding(false)} onAdded={() => void found.reload()} />}
      {importing && <Import onClose={() => setImporting(false)} onDone={() => void found.reload()} />}
    </>
  );
}

function where({ q, tag, view }: { q: string; tag: string; view: View }): string {
  const asked = new URLSearchParams();
  if (q) asked.set("q", q);
  if (tag) asked.set("tag", tag);
  if (view === "map") asked.set("view", view);
  const text = asked.toString();
  return text ? `/people?${text}` : "/people";
}

/** Every tag that was seen while the page is open. */
function useKnownTags(list: SpeakerList | undefined): string[] {
  const [known, setKnown] = useState<string[]>([]);
  useEffect(() => {
    const more = list?.items.flatMap((person) => person.tags) ?? [];
    setKnown((before) => [...new Set([...before, ...more])].sort());
  }, [list]);
  return known;
}

function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <span class="visually-hidden">Search by name</span>
      <Icon name="search" />
      <input
        type="search"
        placeholder="Search by name"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

function Cards({ first, part, tag }: { first: SpeakerList | undefined; part: string; tag: string }) {
  const [more, setMore] = useState<SpeakerList[]>([]);
  const [busy, setBusy] = useState(false);
  useEffect(() => setMore([]), [first]);
  if (!first) return <Loading what="Loading the people" />;
  const items = [first, ...more].flatMap((page) => page.items);
  const cursor = (more.at(-1) ?? first).nextCursor;
  if (!items.length)
    return (
      <Empty icon="search" title="Nobody was found" action={<a href="/people">Show everybody</a>}>
        {tag && !part
          ? `Nobody has the tag “${tag}”.`
          : `Nobody's name has “${part}” in it${tag ? ` and the tag “${tag}”` : ""}.`}
      </Empty>
    );

  async function load() {
    setBusy(true);
    try {
      const next = await api.get("/v1/speakers", { query: { limit: PAGE, q: part, tag, cursor } });
      setMore([...more, next]);
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  }

  return (
    <>
      <ul class="person-cards">
        {items.map((person) => (
          <li key={person.id}>
            <PersonCard person={person} />
          </li>
        ))}
      </ul>
      {cursor && (
        <p class="show-more">
          <Button busy={busy} onClick={load}>
            Show more
          </Button>
          <span class="muted small">
            {items.length} of {first.total}
          </span>
        </p>
      )}
    </>
  );
}

function Nobody({ onAdd }: { onAdd: () => void }) {
  return (
    <Empty
      icon="people"
      title="Timbre knows nobody yet"
      action={
        <div class="row">
          {may("speakers:write") && (
            <Button kind="primary" icon="mic" onClick={onAdd}>
              Add somebody
            </Button>
          )}
          <a class="button plain" href="/">
            Identify a recording
          </a>
        </div>
      }
    >
      Half a minute of somebody's speech is enough to recognise them from then on. Or open a recording, and say there
      who each voice is.
    </Empty>
  );
}
