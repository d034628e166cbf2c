// How long recordings are kept: by how they came, and by their tags. What would go at once is said before.
import { useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { Keeping as Rules, TagItem } from "../../api/types";
import { count } from "../../times";
import { Button, Field, Note } from "../../ui/controls";
import { Confirm } from "../../ui/dialog";
import { useLoaded } from "../../ui/loaded";
import { tell } from "../../ui/toasts";
import { Of } from "./section";

type Days = number | "forever" | null; // null: as long as the server's settings say; of a tag, no rule
interface Change {
  web?: number | "forever";
  api?: number | "forever" | "server";
  tags?: Record<string, number | "forever" | null>;
}

const CHOICES: readonly (readonly [string, string])[] = [
  ["forever", "For ever"],
  ["1", "24 hours"],
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
];

export function Keeping() {
  const rules = useLoaded<Rules>((signal) => api.get("/v1/archive/keeping", { signal }), []);
  const tags = useLoaded<TagItem[]>(async (signal) => (await api.get("/v1/archive/tags", { signal })).items, []);
  const [asking, setAsking] = useState<{ change: Change; over: number } | null>(null);
  const [error, setError] = useState("");
  const [tag, setTag] = useState("");

  async function save(change: Change) {
    rules.set(await api.patch("/v1/archive/keeping", { body: change }));
    tell("Recordings are kept by the new rule.");
  }

  /** Ask first where something would go. */
  async function propose(change: Change) {
    setError("");
    try {
      const { over } = await api.patch("/v1/archive/keeping", { query: { preview: true }, body: change });
      if (over) setAsking({ change, over });
      else await save(change);
    } catch (fault) {
      setError(words(fault));
    }
  }

  return (
    <section class="stack" aria-labelledby="keeping">
      <h3 id="keeping" class="settings-part">
        Recordings
      </h3>
      <p class="muted">
        How long results are kept, with the recordings and the voices heard in them. Whatever somebody keeps by hand
        stays. A rule for a tag goes before how a recording came; of several tags, the longest time counts.
      </p>
      {error && <Note kind="bad">{error}</Note>}
      <Of loaded={rules}>
        {(now) => (
          <ul class="card list keeping">
            <Rule label="Added in the web app" value={now.web} onChange={(web) => propose({ web: web ?? "forever" })} />
            <Rule
              label="Sent through the API"
              value={now.api}
              none={`As the server is set: ${hours(now.outputHours)}`}
              onChange={(value) => propose({ api: value ?? "server" })}
            />
            {Object.entries(now.tags).map(([name, days]) => (
              <Rule
                key={name}
                label={`Tagged “${name}”`}
                value={days}
                none="No rule of its own"
                onChange={(value) => propose({ tags: { [name]: value } })}
              />
            ))}
            <li>
              <form
                class="row keeping-add"
                onSubmit={(event) => {
                  event.preventDefault();
                  const name = tag.trim();
                  setTag("");
                  if (name) void propose({ tags: { [name]: "forever" } });
                }}
              >
                <Field label="A rule for another tag">
                  {(ids) => (
                    <input
                      {...ids}
                      list="tags-of-recordings"
                      autocomplete="off"
                      maxLength={50}
                      placeholder="interviews"
                      value={tag}
                      onInput={(event) => setTag(event.currentTarget.value)}
                    />
                  )}
                </Field>
                <datalist id="tags-of-recordings">
                  {(tags.value ?? []).map((each) => (
                    <option key={each.tag} value={each.tag} />
                  ))}
                </datalist>
                <Button type="submit" icon="plus" disabled={!tag.trim()}>
                  Add
                </Button>
              </form>
            </li>
          </ul>
        )}
      </Of>
      {asking && (
        <Confirm
          title={`Let ${count(asking.over, "recording")} go?`}
          action={`Set the rule, and let ${asking.over === 1 ? "it" : "them"} go`}
          onConfirm={() => save(asking.change)}
          onClose={() => setAsking(null)}
        >
          <p>
            {count(asking.over, "recording")} {asking.over === 1 ? "is" : "are"} older than this rule lets{" "}
            {asking.over === 1 ? "it" : "them"} stay: {asking.over === 1 ? "it goes" : "they go"} with the next sweep,
            for good. Keep by hand what is to stay.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function Rule({
  label,
  value,
  none,
  onChange,
}: {
  label: string;
  value: Days;
  none?: string; // what it means that there is no rule, where that can be
  onChange: (value: Days) => void;
}) {
  const [own, setOwn] = useState<string | null>(null);
  const chosen = value === null ? "" : String(value);
  const known = CHOICES.some(([each]) => each === chosen) || value === null;
  return (
    <li>
      <Field label={label}>
        {(ids) => (
          <select
            {...ids}
            value={own === null ? chosen : "own"}
            onChange={(event) => {
              const next = event.currentTarget.value;
              if (next === "own") return setOwn("180");
              setOwn(null);
              event.currentTarget.value = chosen; // until the server says so
              onChange(next === "" ? null : next === "forever" ? next : Number(next));
            }}
          >
            {none && <option value="">{none}</option>}
            {!known && <option value={chosen}>{count(Number(chosen), "day")}</option>}
            {CHOICES.map(([each, text]) => (
              <option key={each} value={each}>
                {text}
              </option>
            ))}
            <option value="own">Another number of days…</option>
          </select>
        )}
      </Field>
      {own !== null && (
        <form
          class="row keeping-add"
          onSubmit={(event) => {
            event.preventDefault();
            setOwn(null);
            onChange(Number(own));
          }}
        >
          <Field label="Days">
            {(ids) => (
              <input
                {...ids}
                type="number"
                min={1}
                max={36500}
                required
                value={own}
                onInput={(event) => setOwn(event.currentTarget.value)}
              />
            )}
          </Field>
          <Button type="submit">Set</Button>
        </form>
      )}
    </li>
  );
}

function hours(number: number): string {
  return number % 24 || number === 24 ? count(number, "hour") : count(number / 24, "day");
}
