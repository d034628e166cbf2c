// Review: what waits for a decision, over all recordings. Names to confirm, and voices that nobody knows.
import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../announce";
import type { ReviewAnswer, WaitingList, WaitingMatch, WaitingVoice } from "../api/types";
import { may } from "../session";
import { count } from "../times";
import { Button, Empty, Loading, Note, PageHead } from "../ui/controls";
import { useLoaded } from "../ui/loaded";
import { tell, tellError } from "../ui/toasts";
import { Affected } from "./review/affected";
import { Group } from "./review/group";
import { keyOf, Matches } from "./review/matches";
import { type Said, say, takeBack, waiting } from "./review/reviewing";
import "./people.css";
import "./result.css";
import "./review.css";

const LOOK = 2000; // milliseconds after the last decision before it is looked for what waits now

export function Review() {
  const found = useLoaded<WaitingList>(waiting, []);
  const [current, setCurrent] = useState("");
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set()); // decided about, or on their way
  const said = useRef<{ answer: ReviewAnswer; keys: string[] }[]>([]);
  const list = useRef<HTMLUListElement>(null);
  const looking = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(looking.current), []);
  const matches = (found.value?.matches ?? []).filter((match) => !gone.has(keyOf(match)));
  const groups = (found.value?.groups ?? [])
    .map((group) => ({ ...group, voices: group.voices.filter((voice) => !gone.has(keyOf(voice))) }))
    .filter((group) => group.voices.length);
  const at = Math.max(
    0,
    matches.findIndex((match) => keyOf(match) === current),
  );
  const now = matches[at];

  async function decide(voices: readonly WaitingVoice[], what: Said, words: (answer: ReviewAnswer) => string) {
    const keys = voices.map(keyOf);
    setGone((before) => new Set([...before, ...keys]));
    try {
      const answer = await say(voices, what);
      said.current.push({ answer, keys });
      tell(words(answer), { action: { text: "Undo", run: undo } });
      clearTimeout(looking.current);
      looking.current = setTimeout(() => void found.reload(), LOOK); // what was said may have changed other names
    } catch (error) {
      setGone((before) => new Set([...before].filter((key) => !keys.includes(key))));
      throw error;
    }
  }

  async function reload() {
    clearTimeout(looking.current);
    await found.reload();
    setGone(new Set());
  }

  async function undo() {
    const last = said.current.pop();
    if (!last) return;
    const undone = await takeBack(last.answer);
    tell(undone ? "It was taken back." : "Somebody has said something else since; look at the recording.");
    setCurrent(last.keys[0] ?? "");
    await reload();
  }

  function move(step: number) {
    const next = matches[Math.min(matches.length - 1, Math.max(0, at + step))];
    if (next) focusOn(keyOf(next));
  }

  function focusOn(key: string) {
    setCurrent(key);
    [...(list.current?.children ?? [])]
      .find((each): each is HTMLElement => each instanceof HTMLElement && each.dataset.key === key)
      ?.focus();
  }

  function answer(match: WaitingMatch, yes: boolean) {
    const next = matches[at + 1] ?? matches[at - 1];
    const what: Said = yes
      ? { kind: "name", who: { speakerId: match.speakerId, name: match.name } }
      : { kind: "reject", speakerId: match.speakerId };
    decide([match], what, () => (yes ? `It is ${match.name}.` : `It is not ${match.name}.`)).catch(async (error) => {
      tellError(error); // somebody else was first, or it is gone
      await reload();
    });
    if (next) focusOn(keyOf(next));
  }

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (target?.closest("input:not([type=checkbox]), textarea, select, [role=menu]")) return;
      const elsewhere = Boolean(target?.closest(".review-groups, header"));
      const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act || (event.key === " " && target?.closest("button, a, input"))) return;
      if (act === "undo" ? !said.current.length : !now || elsewhere) return;
      event.preventDefault();
      if (act === "undo") undo().catch(tellError);
      else if (act === "next" || act === "back") move(act === "next" ? 1 : -1);
      else if (act === "listen") button("[data-key]", now ? keyOf(now) : "")?.click();
      else if (now && may("jobs:write")) answer(now, act === "yes");
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  function button(selector: string, key: string): HTMLButtonElement | null | undefined {
    return [...(list.current?.querySelectorAll<HTMLElement>(selector) ?? [])]
      .find((each) => each.dataset.key === key)
      ?.querySelector("button");
  }

  const total = found.value;
  useEffect(() => {
    if (total)
      announce(`${count(total.matchesTotal, "name")} to confirm, ${count(total.groupsTotal, "unknown voice")}.`);
  }, [total]);
  return (
    <>
      <PageHead title="Review" lead="What waits for a decision, over all recordings." />
      {found.error && (
        <Note kind="bad" action={<Button onClick={() => void found.reload()}>Try again</Button>}>
          {found.error}
        </Note>
      )}
      {!total && !found.error && <Loading what="Comparing the voices" />}
      {total && (
        <div class="stack review">
          {may("jobs:write") && <Affected recordings={total.affected} onDone={reload} />}
          {!matches.length && !groups.length && (
            <Empty
              icon="check"
              title="Nothing waits"
              action={
                <Button icon="refresh" onClick={() => void reload()}>
                  Look again
                </Button>
              }
            >
              Every name was looked at, and nobody unknown speaks in the recordings that are kept.
            </Empty>
          )}
          {matches.length > 0 && (
            <section class="stack" aria-labelledby="likely">
              <div class="row spread">
                <h2 id="likely">Likely names</h2>
                <p class="small muted">
                  <Count shown={matches.length} total={total.matchesTotal - (total.matches.length - matches.length)} />
                </p>
              </div>
              <p class="small muted review-keys">
                <kbd>Y</kbd> yes, <kbd>N</kbd> no, <kbd>Space</kbd> listen, <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>U</kbd>{" "}
                undo
              </p>
              <Matches
                matches={matches}
                current={now ? keyOf(now) : ""}
                list={list}
                onCurrent={setCurrent}
                onYes={(match) => answer(match, true)}
                onNo={(match) => answer(match, false)}
              />
            </section>
          )}
          {groups.length > 0 && (
            <section class="stack" aria-labelledby="unknown">
              <div class="row spread">
                <h2 id="unknown">Voices nobody knows</h2>
                <p class="small muted">
                  <Count shown={groups.length} total={total.groupsTotal - (total.groups.length - groups.length)} />
                </p>
              </div>
              <ul class="stack review-groups">
                {groups.map((group) => (
                  <Group
                    key={group.voices.map(keyOf).join()}
                    group={group}
                    onSay={(voices, what) => decide(voices, what, (made) => words(what, made))}
                  />
                ))}
              </ul>
            </section>
          )}
        </div>
      )}
    </>
  );
}

const KEYS: Record<string, "yes" | "no" | "listen" | "next" | "back" | "undo"> = {
  y: "yes",
  n: "no",
  " ": "listen",
  j: "next",
  k: "back",
  ArrowDown: "next",
  ArrowUp: "back",
  u: "undo",
};

function Count({ shown, total }: { shown: number; total: number }) {
  return <>{shown < total ? `${shown} of ${total.toLocaleString("en")}` : total.toLocaleString("en")}</>;
}

/** What really happened. */
function words(said: Said, answer: ReviewAnswer): string {
  const done = answer.voices.filter(({ revision }) => revision);
  const failed = answer.voices.length - done.length;
  const where = `in ${count(new Set(done.map(({ jobId }) => jobId)).size, "recording")}`;
  const learned = done.filter((voice) => voice.learned).length;
  const first =
    said.kind === "name"
      ? `${said.who.name} ${where}; learned from ${learned === done.length ? "all of them" : learned || "none of them"}.`
      : `Nobody we know, ${where}.`;
  return failed ? `${first} ${count(failed, "voice")} had changed meanwhile.` : first;
}
