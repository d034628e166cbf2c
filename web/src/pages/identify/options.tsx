// What can be said of a recording before it is heard. All of it can be left as it is.
import { signal } from "@preact/signals";
import { api } from "../../api/client";
import type { ModelName } from "../../api/types";
import { may } from "../../session";
import { Check, Choice, Field } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";

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
});

/** Ask for a recording to be heard as these options say; answer the job's id. */
export async function submit(chosen: Options, url: string, title: string): Promise<string> {
  const count =
    chosen.count === "exact"
      ? { numSpeakers: chosen.exact }
      : chosen.count === "range"
        ? { minSpeakers: Math.min(chosen.least, chosen.most), maxSpeakers: Math.max(chosen.least, chosen.most) }
        : {};
  const model = chosen.model ? { model: chosen.model } : {};
  const body = { url, title: title.slice(0, 200), ...count, ...sound(chosen), ...model };
  if (chosen.people === "nobody") return (await api.post("/v1/diarize", { body })).jobId;
  const tagged = chosen.people === "tags" && chosen.tags.length > 0;
  const speakers = tagged ? { tags: [...chosen.tags] } : ("all" as const);
  const asked = { ...body, speakers, matching: { threshold: chosen.threshold } };
  return (await api.post("/v1/identify", { body: asked })).jobId;
}

function sound(chosen: Options): { channels?: "separate"; tracks?: "separate" | number } {
  if (chosen.sound === "channels") return { channels: "separate" };
  if (chosen.sound === "tracks") return { tracks: "separate" };
  return chosen.sound === "track" ? { tracks: chosen.track } : {};
}

/** What a threshold means, in words. */
export function thresholdWords(threshold: number): string {
  if (threshold >= 90) return "Only when it is very likely";
  if (threshold >= 70) return "When it is likely";
  if (threshold >= 40) return "When it may well be right";
  if (threshold > 0) return "Even when it is unlikely";
  return "Always: every voice gets the name that fits best";
}

function summary({ count, exact, least, most, sound, track, people, tags, model }: Options): string {
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
  return `${many}, ${who}${heard[sound]}${model && `, model ${model}`}`;
}

export function OptionsPanel() {
  const now = options.value;
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
        <strong>Options</strong> <span class="muted">{summary(now)}</span>
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
          {may("admin") && <Model chosen={now.model} onChange={(model) => set({ model })} />}
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
        </div>
      </div>
    </details>
  );
}

/** Which pack hears it, where there are several. */
function Model({ chosen, onChange }: { chosen: ModelName | ""; onChange: (model: ModelName | "") => void }) {
  const { value } = useLoaded((signal) => api.get("/v1/models", { signal }), []);
  const packs = value?.packs.filter((pack) => pack.complete) ?? [];
  if (packs.length < 2) return null;
  return (
    <Field label="Model">
      {(ids) => (
        <select {...ids} value={chosen} onChange={(event) => onChange(event.currentTarget.value as ModelName | "")}>
          <option value="">As the server is set ({value?.default})</option>
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
