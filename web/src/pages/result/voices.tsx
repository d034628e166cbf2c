// The voices of a recording: how much each talks, who it is, how sure that is, and what to do about it.
import { useState } from "preact/hooks";
import type { Candidate } from "../../api/types";
import { go } from "../../router";
import { may } from "../../session";
import { count, length } from "../../times";
import { Clip } from "../../ui/clip";
import { Confidence, likelihood } from "../../ui/confidence";
import { Button, percent, Tag } from "../../ui/controls";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icons";
import { Menu, type MenuItem } from "../../ui/menu";
import type { NameChoice, Said } from "./deciding";
import { NamingForm } from "./naming";
import { type News, NewsNote } from "./news";
import { called, colour, suggestions, type VoiceView } from "./recording";

export interface VoiceActions {
  name: (voice: VoiceView, choice: NameChoice) => Promise<void>;
  say: (voice: VoiceView, said: Said) => Promise<void>;
  only: (voice: VoiceView | null) => void;
}

const FEW = 3; // voices of which none is hidden
const LEASTS = [0, 1, 2, 5, 10, 30, 60]; // seconds

export function Voices({
  job,
  voices,
  all,
  least,
  onLeast,
  only,
  news,
  actions,
}: {
  job: string;
  voices: readonly VoiceView[]; // that talk long enough to be seen
  all: readonly VoiceView[];
  least: number; // seconds that they talk
  onLeast: (seconds: number) => void;
  only: string | null;
  news: News | null;
  actions: VoiceActions;
}) {
  const [merging, setMerging] = useState<VoiceView | null>(null);
  return (
    <section class="voices" aria-labelledby="voices-title">
      <div class="row spread">
        <h2 id="voices-title">{count(voices.length, "voice")}</h2>
        {all.length > FEW && (
          <label class="row small">
            <span class="muted">{least > 0 && `${all.length - voices.length} hidden. `}Hide under</span>
            <select value={String(least)} onChange={(event) => onLeast(Number(event.currentTarget.value))}>
              {LEASTS.map((seconds) => (
                <option key={seconds} value={String(seconds)}>
                  {seconds} s
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <ul>
        {voices.map((voice) => (
          <VoiceCard
            key={voice.label}
            job={job}
            voice={voice}
            suggested={voice.name ? [] : suggestions(voice, all)}
            alone={all.length === 1}
            news={news?.label === voice.label ? news : null}
            only={only === voice.label}
            actions={actions}
            onMerge={() => setMerging(voice)}
          />
        ))}
      </ul>
      {merging && (
        <MergeDialog
          job={job}
          voice={merging}
          others={all.filter((each) => each.label !== merging.label)}
          onMerge={(other) => actions.say(other, { kind: "join", into: other.label, from: [merging.label] })}
          onClose={() => setMerging(null)}
        />
      )}
    </section>
  );
}

function clip(job: string, voice: VoiceView): string {
  return `/v1/jobs/${job}/voices/${voice.label}/audio`;
}

function VoiceCard({
  job,
  voice,
  suggested,
  alone,
  news,
  only,
  actions,
  onMerge,
}: {
  job: string;
  voice: VoiceView;
  suggested: readonly Candidate[];
  alone: boolean;
  news: News | null;
  only: boolean;
  actions: VoiceActions;
  onMerge: () => void;
}) {
  const [naming, setNaming] = useState<Candidate | "anybody" | null>(null);
  const mayName = may("speakers:write") && may("jobs:write");
  const { label, name, speakerId } = voice;
  const items: (MenuItem | false)[] = [
    Boolean(voice.speakerId) && {
      text: `Open ${voice.name}`,
      icon: "person",
      onSelect: () => go(`/people/${voice.speakerId}`),
    },
    mayName &&
      Boolean(speakerId && !voice.decided) && {
        text: `Yes, this is ${name}`,
        hint: "It stays, and their voice is learned",
        icon: "check",
        onSelect: () => void actions.name(voice, { speakerId: speakerId ?? "", name: name ?? "" }),
      },
    mayName &&
      Boolean(speakerId && voice.decided && voice.learned) && {
        text: "Do not learn from this voice",
        hint: `It is a sample of ${name}`,
        icon: "close",
        onSelect: () => void actions.say(voice, { kind: "learn", voice: label, learn: false }),
      },
    mayName &&
      Boolean(speakerId && voice.decided && !voice.learned && voice.hasClip) && {
        text: "Learn from this voice",
        hint: `Make it a sample of ${name}`,
        icon: "plus",
        onSelect: () => void actions.say(voice, { kind: "learn", voice: label, learn: true }),
      },
    mayName &&
      Boolean(name) && {
        text: "This is somebody else",
        icon: "edit",
        onSelect: () => setNaming("anybody"),
      },
    mayName &&
      Boolean(speakerId) && {
        text: `This is not ${name}`,
        icon: "close",
        onSelect: () => void actions.say(voice, { kind: "reject", voice: label, speakerId: speakerId ?? "" }),
      },
    may("jobs:write") &&
      !(voice.decided && !name) && {
        text: "Nobody we know",
        icon: "person",
        onSelect: () => void actions.say(voice, { kind: "nobody", voice: label }),
      },
    mayName &&
      !alone && {
        text: "Same person as another voice",
        icon: "merge",
        onSelect: onMerge,
      },
    {
      text: only ? "List all turns" : "List only these turns",
      icon: "list",
      onSelect: () => actions.only(only ? null : voice),
    },
  ];
  return (
    <li class="voice card" data-only={only} id={`voice-${voice.label}`}>
      <div class="voice-head">
        <span class="voice-mark" style={{ background: colour(voice) }} aria-hidden="true" />
        <div class="grow">
          <h3 class="ellipsis">{called(voice)}</h3>
          {!name && <Tag>{voice.decided ? "nobody we know" : "unknown"}</Tag>}
          {name && voice.decided && <ByHand learned={voice.learned} />}
          {name && !voice.decided && voice.confidence !== null && <Confidence value={voice.confidence} name={name} />}
        </div>
        {voice.hasClip && <Clip src={clip(job, voice)} label={`a clip of ${called(voice)}`} />}
        <Menu label={`More for ${called(voice)}`} icon="more" items={items} />
      </div>
      <div class="voice-talk">
        <span class="voice-share" aria-hidden="true">
          <span style={{ width: percent(voice.share), background: colour(voice) }} />
        </span>
        <span class="small muted numbers">
          {length(voice.seconds)}, {Math.round(voice.share * 100)} % of all talk, {count(voice.turns, "turn")}
        </span>
      </div>
      {news && <NewsNote news={news} />}
      {naming ? (
        <NamingForm
          candidates={voice.candidates}
          start={naming === "anybody" ? null : naming}
          onName={async (choice) => {
            await actions.name(voice, choice);
            setNaming(null);
          }}
          onCancel={() => setNaming(null)}
        />
      ) : (
        !voice.name &&
        mayName && (
          <div class="row">
            {suggested.map((candidate) => (
              <Button key={candidate.speakerId} small icon="person" onClick={() => setNaming(candidate)}>
                {candidate.name}? <span class="muted">{likelihood(candidate.confidence)}</span>
              </Button>
            ))}
            <Button small icon="edit" kind={suggested.length ? "quiet" : "plain"} onClick={() => setNaming("anybody")}>
              {suggested.length ? "Somebody else" : "Name this voice"}
            </Button>
          </div>
        )
      )}
    </li>
  );
}

/** That a name was given by hand, which is no guess; and whether the voice is learned from. */
function ByHand({ learned }: { learned: boolean }) {
  return (
    <span class="by-hand small">
      <Icon name="check" size={16} />
      <span>named by hand{learned && ", learned"}</span>
    </span>
  );
}

function MergeDialog({
  job,
  voice,
  others,
  onMerge,
  onClose,
}: {
  job: string;
  voice: VoiceView;
  others: readonly VoiceView[];
  onMerge: (other: VoiceView) => Promise<void>;
  onClose: () => void;
}) {
  const [busy, setBusy] = useState<string | null>(null);
  return (
    <Dialog title={`Who is the same person as ${called(voice)}?`} onClose={onClose}>
      <p class="muted">Listen and compare. The two voices become one, with all turns of both.</p>
      <ul class="merge-list">
        {others.map((other) => (
          <li key={other.label}>
            <span class="voice-mark" style={{ background: colour(other) }} aria-hidden="true" />
            <span class="grow">
              <strong>{called(other)}</strong> <span class="small muted numbers">{length(other.seconds)}</span>
            </span>
            {other.hasClip && <Clip small src={clip(job, other)} label={`a clip of ${called(other)}`} />}
            <Button
              small
              icon="merge"
              busy={busy === other.label}
              disabled={busy !== null}
              onClick={async () => {
                setBusy(other.label);
                await onMerge(other);
                onClose();
              }}
            >
              Same person
            </Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
