// What a decision changed, in words: what really happened, not what was meant.
import type { HistoryItem, MadeDecision } from "../../api/types";
import { clock, count } from "../../times";
import type { Said } from "./deciding";
import { called, type Recording, renamed, type VoiceView } from "./recording";

function of(recording: Recording, label: string | undefined | null): VoiceView | undefined {
  return recording.voices.find((voice) => voice.label === label);
}

/** What became of something that was said, seen from the recording before and after it. */
export function told(said: Said, before: Recording, after: Recording, made: MadeDecision): string {
  return [changed(said, before, after), learned(said, after, made)].filter(Boolean).join(" ");
}

/** What an undo or a redo changed. */
export function stepped(word: string, before: Recording, after: Recording): string {
  const text = renamed(before, after);
  return text === NOTHING ? word : `${word} ${text}`;
}

function changed(said: Said, before: Recording, after: Recording): string {
  const turns = count(said.turns?.length ?? 1, "turn");
  switch (said.kind) {
    case "name": {
      const voice = of(after, said.voice);
      if (voice && called(voice) === of(before, said.voice)?.name)
        return `Confirmed: ${count(voice.turns, "turn")} of ${called(voice)}.`;
      return renamed(before, after);
    }
    case "nobody":
    case "reject": {
      const text = renamed(before, after);
      return text === NOTHING ? "Noted." : text;
    }
    case "join": {
      const into = of(after, said.into);
      const from = (said.from ?? []).map((label) => of(before, label)).filter((voice) => voice !== undefined);
      return into ? `${from.map(called).join(" and ")} and ${called(into)} are one voice now.` : "Joined.";
    }
    case "give": {
      const labels = new Set(before.voices.map((voice) => voice.label));
      const to = said.voice ? of(after, said.voice) : after.voices.find((voice) => !labels.has(voice.label));
      return `Gave ${turns} to ${to ? called(to) : "another voice"}.`;
    }
    case "cut":
      return `Split the turn at ${clock(said.at ?? 0, { tenths: true })}.`;
    case "unite":
      return `Joined ${turns} into one.`;
    case "retime":
      return said.start === undefined
        ? `The turn ends at ${clock(said.end ?? 0, { tenths: true })}.`
        : `The turn begins at ${clock(said.start, { tenths: true })}.`;
    case "delete":
      return `Deleted ${turns}.`;
    case "check":
      return said.checked === false ? `Marked ${turns} as not checked.` : `Marked ${turns} as checked.`;
    case "reword":
      return `Changed ${count(said.words?.length ?? 0, "word")}.`;
    case "learn":
      return said.learn ? "" : "The voice is no longer a sample.";
  }
}

const NOTHING = "No turn was renamed.";

function learned(said: Said, after: Recording, made: MadeDecision): string {
  if (said.kind !== "name" && said.kind !== "learn") return "";
  const name = of(after, said.voice)?.name ?? "them";
  if (made.learned) return said.kind === "learn" ? `${name} is learned from this voice now.` : "";
  return made.doubt ? `Nothing was learned of ${name}: ${lower(made.doubt.message)}` : "";
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** A line of the history, in words. */
export function line(item: HistoryItem, voices: ReadonlyMap<string, string>): string {
  const turns = count(item.turns?.length ?? 0, "turn");
  const name = (label: string | null | undefined) => voices.get(label ?? "") ?? label ?? "a voice";
  switch (item.kind) {
    case "name":
      return `${name(item.voice)} is ${item.name ?? "somebody who was erased since"}`;
    case "nobody":
      return `${name(item.voice)} is nobody we know`;
    case "reject":
      return `${name(item.voice)} is not ${item.name ?? "somebody who was erased since"}`;
    case "learn":
      return item.learn ? `Learn from ${name(item.voice)}` : `Do not learn from ${name(item.voice)}`;
    case "join":
      return `${(item.from ?? []).map(name).join(", ")} and ${name(item.into)} are one`;
    case "give":
      return `${turns} given to ${name(item.voice)}`;
    case "cut":
      return `A turn split at ${clock(item.cutAt ?? 0, { tenths: true })}`;
    case "unite":
      return `${turns} joined`;
    case "retime":
      return "A turn begins or ends elsewhere";
    case "delete":
      return `${turns} deleted`;
    case "check":
      return item.checked === false ? `${turns} not checked` : `${turns} checked`;
    case "reword":
      return (item.words ?? [])
        .map(({ was, text }) => (text ? `“${was ?? "…"}” reads “${text}”` : `“${was ?? "…"}” is not said`))
        .join("; ");
    case "undo":
      return "Undone";
    case "redo":
      return "Redone";
  }
}
