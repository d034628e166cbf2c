// What narrows the list of recordings, and orders it.
import { useEffect, useState } from "preact/hooks";
import type { SpeakerDetail, TagItem } from "../../api/types";
import { Button, Check, Field } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { PersonPicker } from "../people/picker";
import { type Filters, narrowing, SORTS, STATES } from "./filters";

const PAUSE = 250;

export function Tools({
  filters,
  person,
  tags,
  onChange,
}: {
  filters: Filters;
  person: SpeakerDetail | null | undefined;
  tags: readonly TagItem[];
  onChange: (change: Partial<Filters>, replace?: boolean) => void;
}) {
  const more = narrowing(filters);
  return (
    <div class="recordings-tools">
      <TitleSearch value={filters.q} onChange={(q) => onChange({ q }, true)} />
      {filters.speaker ? (
        <p class="chosen-person">
          <span>
            With <strong>{person?.name ?? "somebody who is not here any more"}</strong>
          </span>
          <Button
            kind="quiet"
            small
            icon="close"
            aria-label="Show the recordings of everybody"
            onClick={() => onChange({ speaker: "" })}
          />
        </p>
      ) : (
        <div class="by-person">
          <PersonPicker label="Who speaks" onChoose={(chosen) => onChange({ speaker: chosen.id })} />
        </div>
      )}
      <Select
        label="Order"
        value={filters.sort}
        options={Object.entries(SORTS)}
        onChange={(sort) => onChange({ sort: sort as Filters["sort"] })}
      />
      <details class="more-filters" open={more > 0 || undefined}>
        <summary>{more ? `Filters: ${more} set` : "More filters"}</summary>
        <div class="filter-fields">
          <Select
            label="Tag"
            value={filters.tag}
            options={[["", "Any"], ...tags.map(({ tag, jobs }): [string, string] => [tag, `${tag} (${jobs})`])]}
            onChange={(tag) => onChange({ tag })}
          />
          <Select
            label="State"
            value={filters.status}
            options={[["", "Any"], ...Object.entries(STATES)]}
            onChange={(status) => onChange({ status: status as Filters["status"] })}
          />
          <Day label="From" value={filters.since} onChange={(since) => onChange({ since })} />
          <Day label="To" value={filters.until} onChange={(until) => onChange({ until })} />
          <Check checked={filters.unnamed} onChange={(unnamed) => onChange({ unnamed })}>
            With voices nobody has named
          </Check>
          <Check checked={filters.unchecked} onChange={(unchecked) => onChange({ unchecked })}>
            Not checked by anybody
          </Check>
        </div>
      </details>
    </div>
  );
}

function Select({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}) {
  const known = options.some(([each]) => each === value);
  return (
    <Field label={label}>
      {(ids) => (
        <select {...ids} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {!known && <option value={value}>{value}</option>}
          {options.map(([each, text]) => (
            <option key={each} value={each}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Day({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <Field label={label}>
      {(ids) => <input {...ids} type="date" value={value} onChange={(event) => onChange(event.currentTarget.value)} />}
    </Field>
  );
}

function TitleSearch({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="field search-field">
      <label for="title-search">Title</label>
      <div class="search">
        <Icon name="search" />
        <input
          id="title-search"
          type="search"
          placeholder="Part of a title"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}
