// Voices of several recordings that sound like one person, whom nobody has named.
import { useState } from "preact/hooks";
import type { Candidate, WaitingGroup, WaitingVoice } from "../../api/types";
import { may } from "../../session";
import { ago, at, count, length } from "../../times";
import { Clip } from "../../ui/clip";
import { likelihood } from "../../ui/confidence";
import { Button } from "../../ui/controls";
import { tellError } from "../../ui/toasts";
import { titleOf } from "../recordings/words";
import { NamingForm } from "../result/naming";
import { keyOf } from "./matches";
import { clipOf, type Said } from "./reviewing";

const SHOWN = 6; // voices, until somebody asks for all
const LIKELY = 20; // of 100: who is offered by name

export function Group({
  group,
  onSay,
}: {
  group: WaitingGroup;
  onSay: (voices: WaitingVoice[], said: Said) => Promise<void>;
}) {
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set());
  const [naming, setNaming] = useState<{ start: Candidate | null } | null>(null);
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState(false);
  const chosen = group.voices.filter((voice) => !without.has(keyOf(voice)));
  const several = group.voices.length > 1;
  const likely = group.candidates.filter(({ confidence }) => confidence >= LIKELY);

  function toggle(voice: WaitingVoice) {
    const key = keyOf(voice);
    setWithout(new Set(without.has(key) ? [...without].filter((each) => each !== key) : [...without, key]));
  }

  async function nobody() {
    setBusy(true);
    await onSay(chosen, { kind: "nobody" }).catch(tellError);
    setBusy(false);
  }

  return (
    <li class="card stack review-group">
      <div class="row spread">
        <h3>
          {several
            ? `This voice is in ${count(group.recordings, "recording")}: who is it?`
            : `A voice in ${titleOf({ title: group.voices[0]?.title ?? null, type: "identify" })}`}
        </h3>
        <span class="small muted numbers">{length(group.seconds)}</span>
      </div>
      <ul class="review-voices">
        {group.voices.slice(0, all ? undefined : SHOWN).map((voice) => {
          const title = titleOf({ title: voice.title, type: "identify" });
          return (
            <li key={keyOf(voice)}>
              {several && (
                <input
                  type="checkbox"
                  aria-label={`${title}: it is this voice`}
                  checked={!without.has(keyOf(voice))}
                  onChange={() => toggle(voice)}
                />
              )}
              <Clip small src={clipOf(voice)} label={`the voice in ${title}`} />
              <a class="grow ellipsis" href={`/jobs/${voice.jobId}?t=${voice.startsAt}`}>
                {title}
              </a>
              <span class="small muted numbers" title={at(voice.createdAt)}>
                {length(voice.seconds)}, {ago(voice.createdAt)}
              </span>
            </li>
          );
        })}
      </ul>
      {!all && group.voices.length > SHOWN && (
        <Button small kind="quiet" onClick={() => setAll(true)}>
          Show all {group.voices.length}
        </Button>
      )}
      {may("jobs:write") &&
        (naming ? (
          <NamingForm
            candidates={group.candidates}
            start={naming.start}
            onCancel={() => setNaming(null)}
            onName={(who) => onSay(chosen, { kind: "name", who })}
          />
        ) : (
          <div class="row">
            {likely.map((candidate) => (
              <Button key={candidate.speakerId} small onClick={() => setNaming({ start: candidate })}>
                {candidate.name}? <span class="muted">{likelihood(candidate.confidence)}</span>
              </Button>
            ))}
            <Button small kind="primary" disabled={!chosen.length} onClick={() => setNaming({ start: null })}>
              Say who it is
            </Button>
            <Button small kind="quiet" busy={busy} disabled={!chosen.length} onClick={nobody}>
              Nobody we know
            </Button>
          </div>
        ))}
    </li>
  );
}
