// Who is this voice? Choosing somebody who is known, or adding a person.
import { useEffect, useId, useState } from "preact/hooks";
import { api, words } from "../../api/client";
import type { Candidate, Speaker } from "../../api/types";
import { Button, Field, Note } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { ConsentFields, consentDraft, consentOf } from "../people/consent";
import type { NameChoice } from "./deciding";
import { type Offer, offers } from "./offers";

const SHOWN = 6;
const PAUSE = 150; // milliseconds

export function NamingForm({
  candidates,
  start,
  onName,
  onCancel,
}: {
  candidates: readonly Candidate[];
  start: Candidate | null; // who was suggested and pressed
  onName: (choice: NameChoice) => Promise<void>;
  onCancel: () => void;
}) {
  const list = useId();
  const [text, setText] = useState(start?.name ?? "");
  const [chosen, setChosen] = useState<Offer | null>(
    start && { id: start.speakerId, name: start.name, hint: "", consented: null },
  );
  const [found, setFound] = useState<Speaker[]>([]);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [consent, setConsent] = useState(() => consentDraft(null));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const typed = text.trim();

  useEffect(() => {
    const own = new AbortController();
    const timer = setTimeout(() => {
      api.get("/v1/speakers", { query: { q: typed, limit: SHOWN }, signal: own.signal }).then(
        ({ items }) => {
          setFound(items);
          const same = items.find((person) => person.name.toLocaleLowerCase() === typed.toLocaleLowerCase());
          if (same) setChosen({ id: same.id, name: same.name, hint: "", consented: same.consent !== null });
        },
        () => undefined, // typing a name goes on without suggestions
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      own.abort();
    };
  }, [typed]);

  const offered = offers(typed, found, candidates).slice(0, SHOWN);

  function type(value: string) {
    setText(value);
    setChosen(null);
    setOpen(true);
    setActive(-1);
    setError("");
  }

  function choose(offer: Offer | undefined) {
    if (!offer) return;
    setText(offer.name);
    setChosen(offer);
    setOpen(false);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (offered.length) setActive((active + step + offered.length) % offered.length);
    } else if (event.key === "Enter" && open && active >= 0) {
      event.preventDefault();
      choose(offered[active]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (open && offered.length) setOpen(false);
      else onCancel();
    }
  }

  async function submit(event: Event) {
    event.preventDefault();
    if (!typed || busy) return;
    setBusy(true);
    setError("");
    const agreed = consentOf(consent);
    try {
      const who = chosen ?? (await known(typed)); // whoever types fast is not shown everybody
      await onName(
        who
          ? {
              speakerId: who.id,
              name: who.name,
              ...(who.consented === false && agreed ? { consent: agreed } : {}),
            }
          : { name: typed, consent: agreed },
      );
    } catch (fault) {
      setError(words(fault));
      setBusy(false);
    }
  }

  const shown = open && offered.length > 0;
  return (
    <form class="naming stack" onSubmit={submit}>
      <div class="naming-who">
        <Field label="Who is this?">
          {(ids) => (
            <input
              {...ids}
              ref={focusOnce}
              role="combobox"
              aria-expanded={shown}
              aria-controls={list}
              aria-autocomplete="list"
              aria-activedescendant={shown && active >= 0 ? `${list}-${active}` : undefined}
              autocomplete="off"
              maxLength={100}
              placeholder="Name"
              value={text}
              onInput={(event) => type(event.currentTarget.value)}
              onFocus={() => !chosen && setOpen(true)}
              onBlur={() => setOpen(false)}
              onKeyDown={onKeyDown}
            />
          )}
        </Field>
        <div class="naming-list" id={list} role="listbox" aria-label="People" hidden={!shown}>
          {offered.map((offer, index) => (
            <div
              key={offer.id}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === active}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => choose(offer)}
            >
              <Icon name="person" />
              <span class="grow ellipsis">{offer.name}</span>
              <span class="muted small">{offer.hint}</span>
            </div>
          ))}
        </div>
      </div>
      {typed && !chosen && <p class="small muted">{typed} is new here, and is added to your people.</p>}
      {(!chosen || chosen.consented === false) && typed && <ConsentFields value={consent} onChange={setConsent} />}
      {error && <Note kind="bad">{error}</Note>}
      <div class="row">
        <Button type="submit" kind="primary" small busy={busy} disabled={!typed}>
          {chosen ? `This is ${chosen.name}` : typed ? `Add ${typed}` : "Name this voice"}
        </Button>
        <Button small kind="quiet" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

/** The person who has a name, in whatever case. */
async function known(name: string): Promise<Offer | null> {
  const { items } = await api.get("/v1/speakers", { query: { q: name, limit: 100 } });
  const same = items.find((person) => person.name.toLocaleLowerCase() === name.toLocaleLowerCase());
  return same ? { id: same.id, name: same.name, hint: "", consented: same.consent !== null } : null;
}

function focusOnce(input: HTMLInputElement | null): void {
  if (input && !input.dataset.seen) {
    input.dataset.seen = "yes";
    input.focus();
    input.select();
  }
}
