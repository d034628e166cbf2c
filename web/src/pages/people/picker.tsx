// Choosing a person by typing a part of the name: a combobox, as the authoring practices of WAI-ARIA have it.
import { useEffect, useId, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Speaker } from "../../api/types";
import { Field } from "../../ui/controls";
import { Avatar } from "./avatar";
import { amount } from "./speech";

const SHOWN = 8;
const PAUSE = 150; // milliseconds

export function PersonPicker({
  label,
  hint,
  without = [],
  onChoose,
}: {
  label: string;
  hint?: string;
  without?: string[]; // ids that are not offered
  onChoose: (person: Speaker) => void;
}) {
  const list = useId();
  const [text, setText] = useState("");
  const [found, setFound] = useState<Speaker[]>([]);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  useEffect(() => {
    if (!open) return;
    const own = new AbortController();
    const timer = setTimeout(() => {
      api
        .get("/v1/speakers", {
          query: { q: text.trim(), limit: SHOWN + without.length },
          signal: own.signal,
        })
        .then(
          (answer) => {
            setFound(answer.items.filter((person) => !without.includes(person.id)).slice(0, SHOWN));
            setActive(0);
          },
          () => setFound([]),
        );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      own.abort();
    };
  }, [text, open]);

  function choose(person: Speaker | undefined) {
    if (!person) return;
    setOpen(false);
    setText("");
    onChoose(person);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : found.length - 1;
      if (found.length) setActive((active + step) % found.length);
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      choose(found[active]);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  }

  return (
    <div class="picker">
      <Field label={label} hint={hint}>
        {(ids) => (
          <input
            {...ids}
            role="combobox"
            aria-expanded={open && found.length > 0}
            aria-controls={list}
            aria-autocomplete="list"
            aria-activedescendant={open && found[active] ? `${list}-${active}` : undefined}
            autocomplete="off"
            placeholder="Part of a name"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setOpen(true);
            }}
            onFocus={() => setOpen(true)}
            onBlur={() => setOpen(false)}
            onKeyDown={onKeyDown}
          />
        )}
      </Field>
      <div class="picker-list" id={list} role="listbox" aria-label="People" hidden={!open || !found.length}>
        {found.map((person, index) => (
          <div
            key={person.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choose(person)}
          >
            <Avatar id={person.id} name={person.name} size="small" />
            <span class="grow">
              <span class="picker-name ellipsis">{person.name}</span>
              <span class="muted small">{amount(person)}</span>
            </span>
          </div>
        ))}
      </div>
      {open && text.trim() && !found.length && <p class="field-hint">Nobody has “{text.trim()}” in their name.</p>}
    </div>
  );
}
