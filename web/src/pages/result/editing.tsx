// What can be done with turns: given to a voice, split, joined, moved, deleted; and undone.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "../../times";
import { Button } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { Menu } from "../../ui/menu";
import { tell } from "../../ui/toasts";
import type { Said } from "./deciding";
import type { Player } from "./player";
import { called, type Recording, type TurnView } from "./recording";
import { chosen, joined, moved, SPLINTER, split, splinters } from "./selection";

export interface Edits {
  selected: ReadonlySet<string>; // ids of turns
  select: (turns: ReadonlySet<string>) => void;
  say: (said: Said) => Promise<void>;
  undo: (() => Promise<void>) | null; // null: there is nothing to undo
  redo: (() => Promise<void>) | null;
  history: () => void;
  reword: (turn: TurnView) => void;
}

export function Editing({
  recording,
  shown,
  player,
  edits,
}: {
  recording: Recording;
  shown: readonly TurnView[];
  player: Player;
  edits: Edits;
}) {
  const some = chosen(recording, edits.selected);
  const turns = some.map((turn) => turn.id);
  const tiny = splinters(shown);
  const alone = some.length === 1 ? some[0] : undefined;
  return (
    <div class="editing" role="toolbar" aria-label="Change turns">
      <span class="row">
        <Button
          small
          kind="quiet"
          icon="undo"
          aria-label="Undo"
          disabled={!edits.undo}
          onClick={() => edits.undo?.()}
        />
        <Button
          small
          kind="quiet"
          icon="redo"
          aria-label="Redo"
          disabled={!edits.redo}
          onClick={() => edits.redo?.()}
        />
        <Button small kind="quiet" icon="clock" aria-label="History" onClick={edits.history} />
      </span>
      {some.length > 0 ? (
        <span class="row">
          <Menu
            small
            label="Give to"
            items={[
              ...recording.voices.map((voice, index) => ({
                text: called(voice),
                hint: index < 9 ? `Key ${index + 1}` : "",
                onSelect: () => void edits.say({ kind: "give", turns, voice: voice.label }),
              })),
              { text: "A new voice", icon: "plus", onSelect: () => void edits.say({ kind: "give", turns }) },
            ]}
          >
            Give {count(some.length, "turn")} to…
          </Menu>
          <Button small icon="cut" aria-label="Split here" onClick={() => act("s", recording, player, edits)} />
          <Button
            small
            icon="merge"
            aria-label="Join with the next"
            onClick={() => act("m", recording, player, edits)}
          />
          {alone?.said && (
            <Button
              small
              icon="edit"
              aria-label="Change the words"
              onClick={() => act("e", recording, player, edits)}
            />
          )}
          <Button small icon="check" aria-label="Checked" onClick={() => act("c", recording, player, edits)} />
          <Button small icon="trash" aria-label="Delete" onClick={() => act("Delete", recording, player, edits)} />
          <Menu
            small
            label="More for these turns"
            icon="more"
            items={[
              {
                text: "Begins here",
                hint: "Where it plays now; key [",
                onSelect: () => act("[", recording, player, edits),
              },
              {
                text: "Ends here",
                hint: "Where it plays now; key ]",
                onSelect: () => act("]", recording, player, edits),
              },
              { text: "Select none", hint: "Escape", onSelect: () => edits.select(new Set()) },
            ]}
          />
        </span>
      ) : (
        tiny.length > 0 && (
          <Button small kind="quiet" onClick={() => edits.say({ kind: "delete", turns: tiny })}>
            Delete {count(tiny.length, "turn")} under {SPLINTER} s
          </Button>
        )
      )}
    </div>
  );
}

/** Do what a key means for the turns that are selected; tell whether it means anything. */
export function act(key: string, recording: Recording, player: Player, edits: Edits): boolean {
  const some = chosen(recording, edits.selected);
  const [first] = some;
  if (!first) return false;
  const turns = some.map((turn) => turn.id);
  const say = (said: Said | null, otherwise: string) => {
    if (said) void edits.say(said);
    else tell(otherwise, { bad: true });
    return true;
  };
  const time = player.time.value;
  switch (key) {
    case "s":
    case "S": {
      const turn = some.find((each) => each.start < time && time < each.end) ?? first;
      return say(split(turn, time), "To split a turn, play or move to the place inside of it first.");
    }
    case "m":
    case "M":
      return say(joined(recording, some), "There is no later turn of this voice to join with.");
    case "c":
    case "C":
      return say({ kind: "check", turns, checked: !some.every((turn) => turn.checked) }, "");
    case "e":
    case "E":
      if (first.said) edits.reword(first);
      else tell("There are no recognised words here to change.", { bad: true });
      return true;
    case "Delete":
    case "Backspace":
      return say({ kind: "delete", turns }, "");
    case "[":
      return say(moved(first, "start", time), "A turn cannot begin after its end.");
    case "]":
      return say(moved(first, "end", time), "A turn cannot end before its beginning.");
    case "Escape":
      edits.select(new Set());
      return true;
    default: {
      const voice = /^[1-9]$/.test(key) ? recording.voices[Number(key) - 1] : undefined;
      return voice ? say({ kind: "give", turns, voice: voice.label }, "") : false;
    }
  }
}

const KEYS: [string[], ComponentChildren][] = [
  [["Space"], "plays and pauses"],
  [["←", "→"], "5 seconds back and on"],
  [["J", "K"], "next and previous turn"],
  [["L"], "play the turn again and again"],
  [["+", "−"], "zoom"],
  [["↑", "↓"], "another turn in the list; with Shift a range"],
  [["1", "9"], "give the selected turns to the first voice, to the ninth"],
  [["S"], "split the turn where it plays"],
  [["M"], "join the selected turns, or one with the next of its voice"],
  [["[", "]"], "the turn begins or ends where it plays"],
  [["E"], "change the words of the turn"],
  [["C"], "mark the selected turns as checked"],
  [["Delete"], "delete the selected turns"],
  [["Ctrl Z"], "undo; with Shift redo"],
  [["Esc"], "select nothing"],
];

export function Keys() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button small kind="quiet" data-keys onClick={() => setOpen(true)}>
        Keys
      </Button>
      {open && (
        <Dialog title="Keys" onClose={() => setOpen(false)}>
          <dl class="key-list">
            {KEYS.map(([keys, text]) => (
              <div key={keys.join()}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </>
  );
}
