// The record of why somebody's voice may be kept: a tick, the reason, the day.
import type { Consent } from "../../api/types";
import { Check, Field } from "../../ui/controls";
import { BASES, today } from "./speech";

export interface ConsentDraft {
  given: boolean;
  basis: string; // one of BASES, or OTHER
  other: string; // the words for another basis
  date: string;
  note: string;
}

const OTHER = "other";

export function consentDraft(consent: Consent | null): ConsentDraft {
  const known = consent !== null && BASES.some((basis) => basis === consent.basis);
  return {
    given: consent !== null,
    basis: consent === null || known ? (consent?.basis ?? BASES[0]) : OTHER,
    other: consent !== null && !known ? consent.basis : "",
    date: consent?.date ?? (consent ? "" : today()),
    note: consent?.note ?? "",
  };
}

export function consentOf(draft: ConsentDraft): Consent | null {
  if (!draft.given) return null;
  const basis = draft.basis === OTHER ? draft.other.trim() : draft.basis;
  return { basis, date: draft.date || null, note: draft.note.trim() || null };
}

export function ConsentFields({ value, onChange }: { value: ConsentDraft; onChange: (value: ConsentDraft) => void }) {
  const set = (change: Partial<ConsentDraft>) => onChange({ ...value, ...change });
  return (
    <div class="stack">
      <div>
        <Check checked={value.given} onChange={(given) => set({ given })}>
          They agree that Timbre keeps how their voice sounds
        </Check>
        {!value.given && (
          <p class="field-hint consent-hint">Ask them first: a voice is as personal as a fingerprint.</p>
        )}
      </div>
      {value.given && (
        <div class="consent-fields">
          <Field label="How they agreed">
            {(ids) => (
              <select {...ids} value={value.basis} onChange={(event) => set({ basis: event.currentTarget.value })}>
                {BASES.map((basis) => (
                  <option key={basis} value={basis}>
                    {basis}
                  </option>
                ))}
                <option value={OTHER}>In another way…</option>
              </select>
            )}
          </Field>
          <Field label="When">
            {(ids) => (
              <input
                {...ids}
                type="date"
                max={today()}
                value={value.date}
                onInput={(event) => set({ date: event.currentTarget.value })}
              />
            )}
          </Field>
          {value.basis === OTHER && (
            <Field label="In which way">
              {(ids) => (
                <input
                  {...ids}
                  required
                  maxLength={200}
                  value={value.other}
                  onInput={(event) => set({ other: event.currentTarget.value })}
                />
              )}
            </Field>
          )}
          <Field label="Note (optional)">
            {(ids) => (
              <input
                {...ids}
                maxLength={2000}
                placeholder="Where the form is, who asked"
                value={value.note}
                onInput={(event) => set({ note: event.currentTarget.value })}
              />
            )}
          </Field>
        </div>
      )}
    </div>
  );
}
