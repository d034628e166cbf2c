// What can be said of a recording before it is heard. All of it can be left as it is.
import { signal } from "@preact/signals";
import { api } from "../../api/client";
import type { ModelName, Models } from "../../api/types";
import { may } from "../../session";
import { Check, Choice, Field } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";
import { parseTags } from "../people/tags";

export interface Options {
  count: "any" | "exact" | "range";
  exact: number;
  least: number;
  most: number;
  threshold: number;
  sound: "mixed" | "channels" | "tracks" | "track";
  track: number;
  people: "all" | "tags" | "nobody";
  tags: readonly string[];
  model: ModelName | ""; // a pack; empty: the server's own choice
  words: boolean; // whether they are recognised, where something does
  recogniser: string; // a model for them; empty: the server's own choice
  language: string; // that is spoken; empty: found out
  filed: string; // tags of the recordings, with commas between
}

export const options = signal<Options>({
  count: "any",
  exact: 2,
  least: 2,
  most: 6,
  sound: "mixed",
  track: 0,
  threshold: 50,
  people: "all",
  tags: [],
  model: "",
  words: true,
  recogniser: "",
  language: "",
  filed: "",
});

let asked: Promise<Models> | null = null;

/** What the server hears and recognises with; asked for once. */
export function models(): Promise<Models> {
  asked ??= api.get("/v1/models").catch((error: unknown) => {
    asked = null;
    throw error;
  });
  return asked;
}

/** What a threshold means, in words. */
export function thresholdWords(threshold: number): string {
  if (threshold >= 90) return "Only when it is very likely";
  if (threshold >= 70) return "When it is likely";
  if (threshold >= 40) return "When it may well be right";
  if (threshold > 0) return "Even when it is unlikely";
  return "Always: every voice gets the name that fits best";
}

function summary(chosen: Options, recogniser: string | null): string {
  const { count, exact, least, most, sound, track, people, tags, model, filed } = chosen;
  const many =
    count === "exact"
      ? `${exact} speakers`
      : count === "range"
        ? `${least} to ${most} speakers`
        : "any number of speakers";
  const who =
    people === "nobody" ? "no names" : people === "tags" && tags.length ? `people: ${tags.join(", ")}` : "everyone";
  const heard = {
    mixed: "",
    channels: ", each channel",
    tracks: ", each sound track",
    track: `, sound track ${track}`,
  };
  const words = recogniser === null ? "" : chosen.words ? ", with words" : ", without words";
  const tagged = parseTags(filed);
  return `${many}, ${who}${heard[sound]}${words}${model && `, model ${model}`}${tagged.length ? `, tagged ${tagged.join(", ")}` : ""}`;
}

export function OptionsPanel() {
  const now = options.value;
  const { value: known } = useLoaded(models, []);
  const recogniser = known?.recogniser ?? null;
  const set = (change: Partial<Options>) => {
    options.value = { ...options.value, ...change };
  };
  const number = (label: string, field: "exact" | "least" | "most" | "track", from = 1) => (
    <Field label={label}>
      {(ids) => (
        <input
          {...ids}
          type="number"
          min={from}
          max={50}
          value={now[field]}
          onInput={(event) => {
            const value = Number.parseInt(event.currentTarget.value, 10);
            if (value >= from) set({ [field]: value });
          }}
        />
      )}
    </Field>
  );
  return (
    <details class="options">
      <summary>
        <strong>Options</strong> <span class="muted">{summary(now, recogniser)}</span>
      </summary>
      <div class="options-body">
        <div class="stack">
          <Choice
            label="How many people speak?"
            value={now.count}
            options={[
              ["any", "Find out"],
              ["exact", "Exactly"],
              ["range", "Between"],
            ]}
            onChange={(count) => set({ count })}
          />
          {now.count === "exact" && <div class="numbers-row">{number("Speakers", "exact")}</div>}
          {now.count === "range" && (
            <div class="numbers-row">
              {number("At least", "least")}
              {number("At most", "most")}
            </div>
          )}
          <Choice
            label="What of the sound is heard?"
            value={now.sound}
            options={[
              ["mixed", "All together"],
              ["channels", "Each channel"],
              ["tracks", "Each track"],
              ["track", "One track"],
            ]}
            onChange={(sound) => set({ sound })}
          />
          {now.sound === "track" && <div class="numbers-row">{number("Sound track, from 0", "track", 0)}</div>}
          {may("admin") && known && <Model known={known} chosen={now.model} onChange={(model) => set({ model })} />}
          <Filed value={now.filed} onChange={(filed) => set({ filed })} />
        </div>
        <div class="stack">
          <Choice
            label="Whose names may be given?"
            value={now.people}
            options={[
              ["all", "Everyone's"],
              ["tags", "By tag"],
              ["nobody", "Nobody's"],
            ]}
            onChange={(people) => set({ people })}
          />
          {now.people === "tags" && <Tags chosen={now.tags} onChange={(tags) => set({ tags })} />}
          {now.people !== "nobody" && (
            <Field
              label="When is a name given?"
              hint={`${thresholdWords(now.threshold)} (${now.threshold} of 100 or more).`}
            >
              {(ids) => (
                <input
                  {...ids}
                  type="range"
                  min={0}
                  max={100}
                  step={5}
                  value={now.threshold}
                  aria-valuetext={`${now.threshold}: ${thresholdWords(now.threshold)}`}
                  onInput={(event) => set({ threshold: Number(event.currentTarget.value) })}
                />
              )}
            </Field>
          )}
          {known && <Words recognisers={known.recognisers} now={now} set={set} />}
        </div>
      </div>
    </details>
  );
}

/** Whether words are recognised; where nothing does, how something could. */
function Words({
  recognisers,
  now,
  set,
}: {
  recognisers: readonly string[]; // the server's own choice first
  now: Options;
  set: (change: Partial<Options>) => void;
}) {
  if (recognisers.length === 0)
    return (
      <p class="small muted">
        This server recognises no words. Whoever runs it names what does, in its settings: a server of OpenAI’s shape as{" "}
        <code>TIMBRE_ASR_URL</code>, or with the extra <code>asr</code> a model as <code>TIMBRE_ASR_MODEL</code>. A
        transcript that you have can be added together with its recording.
      </p>
    );
  return (
    <div class="stack-small">
      <Check checked={now.words} onChange={(words) => set({ words })}>
        Recognise the words{recognisers.length === 1 && `, by ${recognisers[0]}`}
      </Check>
      {now.words && recognisers.length > 1 && (
        <Field label="Recognised by">
          {(ids) => (
            <select
              {...ids}
              value={now.recogniser}
              onChange={(event) => set({ recogniser: event.currentTarget.value })}
            >
              <option value="">As the server is set ({recognisers[0]})</option>
              {recognisers.slice(1).map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {now.words && (
        <Field label="Language" hint="Two letters, such as en; found out if there are none.">
          {(ids) => (
            <input
              {...ids}
              class="language"
              maxLength={3}
              autocomplete="off"
              spellcheck={false}
              value={now.language}
              onInput={(event) => set({ language: event.currentTarget.value.trim() })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

/** Tags that the recordings get. */
function Filed({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { value: tags } = useLoaded((signal) => api.get("/v1/archive/tags", { signal }), []);
  return (
    <Field label="Tags of the recordings" hint="To find and to keep them by; several with commas between.">
      {(ids) => (
        <>
          <input
            {...ids}
            list="tags-there-are"
            autocomplete="off"
            placeholder="interviews"
            value={value}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
          <datalist id="tags-there-are">
            {tags?.items.map(({ tag }) => (
              <option key={tag} value={tag} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

/** Which pack hears it, where there are several. */
function Model({
  known,
  chosen,
  onChange,
}: {
  known: Models;
  chosen: ModelName | "";
  onChange: (model: ModelName | "") => void;
}) {
  const packs = known.packs.filter((pack) => pack.complete);
  if (packs.length < 2) return null;
  return (
    <Field label="Model">
      {(ids) => (
        <select {...ids} value={chosen} onChange={(event) => onChange(event.currentTarget.value as ModelName | "")}>
          <option value="">As the server is set ({known.default})</option>
          {packs.map((pack) => (
            <option key={pack.name} value={pack.name}>
              {pack.name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Tags({ chosen, onChange }: { chosen: readonly string[]; onChange: (tags: string[]) => void }) {
  const { value, error } = useLoaded((signal) => api.get("/v1/speakers", { query: { limit: 100 }, signal }), []);
  if (error) return <p class="field-error">{error}</p>;
  if (!value) return null;
  const known = [...new Set([...value.items.flatMap((speaker) => speaker.tags), ...chosen])].sort();
  if (known.length === 0) return <p class="muted">Nobody has a tag yet. Tags are given on the page People.</p>;
  return (
    <div class="row">
      {known.map((tag) => (
        <Check
          key={tag}
          checked={chosen.includes(tag)}
          onChange={(on) => onChange(on ? [...chosen, tag] : chosen.filter((each) => each !== tag))}
        >
          {tag}
        </Check>
      ))}
    </div>
  );
}
