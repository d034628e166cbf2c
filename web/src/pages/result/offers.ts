// Who is offered while a voice is named.
import type { Candidate, Speaker } from "../../api/types";
import { likelihood } from "../../ui/confidence";

/** Somebody who is offered, with how likely it is them where that is known. */
export interface Offer {
  id: string;
  name: string;
  hint: string;
  consented: boolean | null; // null: not known
}

/** The people who were found; while nothing is typed, those first whom the voice sounds like. */
export function offers(text: string, found: readonly Speaker[], candidates: readonly Candidate[]): Offer[] {
  const likely = new Map(candidates.map((candidate) => [candidate.speakerId, candidate.confidence]));
  const people = found.map((person): Offer => {
    const confidence = likely.get(person.id);
    return {
      id: person.id,
      name: person.name,
      hint: confidence === undefined ? "" : likelihood(confidence),
      consented: person.consent !== null,
    };
  });
  if (text) return people;
  const known = new Set(candidates.map((candidate) => candidate.speakerId));
  const first = candidates.map(
    ({ speakerId, name, confidence }): Offer =>
      people.find((person) => person.id === speakerId) ?? {
        id: speakerId,
        name,
        hint: likelihood(confidence),
        consented: null,
      },
  );
  return [...first, ...people.filter((person) => !known.has(person.id))];
}
