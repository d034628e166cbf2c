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
import { Menu, type MenuItem } from "../../ui/menu";
import { NamingForm } from "./naming";
import { type News, NewsNote } from "./news";
import { called, colour, suggestions, type VoiceView } from "./recording";
import type { NameChoice } from "./teaching";

export interface VoiceActions {
  canName: boolean; // its voices are kept
  name: (voice: VoiceView, choice: NameChoice) => Promise<void>;
  merge: (into: VoiceView, from: VoiceView) => Promise<void>;
  only: (voice: VoiceView | null) => void;
}

export function Voices({
  job,
  voices,
  only,
  news,
  actions,
}: {
  job: string;
  voices: readonly VoiceView[];
  only: string | null;
  news: News | null;
  actions: VoiceActions;
}) {
  const [merging, setMerging] = useState<VoiceView | null>(null);
  return (
    <section class="voices" aria-labelledby="voices-title">
      <h2 id="voices-title">{count(voices.length, "voice")}</h2>
      <ul>
        {voices.map((voice) => (
          <VoiceCard
            key={voice.label}
            job={job}
            voice={voice}
            suggested={voice.name ? [] : suggestions(voice, voices)}
            alone={voices.length === 1}
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
          others={voices.filter((each) => each.label !== merging.label)}
          onMerge={(other) => actions.merge(other, merging)}
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
  const mayName = actions.canName && may("speakers:write") && may("jobs:write");
  const items: (MenuItem | false)[] = [
    Boolean(voice.speakerId) && {
      text: `Open ${voice.name}`,
      icon: "person",
      onSelect: () => go(`/people/${voice.speakerId}`),
    },
    mayName &&
      Boolean(voice.name && voice.speakerId) && {
        text: `Learn from this recording`,
        hint: `Add this voice to ${voice.name}'s samples`,
        icon: "plus",
        onSelect: () =>
          setNaming({ speakerId: voice.speakerId ?? "", name: voice.name ?? "", confidence: voice.confidence ?? 0 }),
      },
    mayName &&
      Boolean(voice.name) && {
        text: "This is somebody else",
        icon: "edit",
        onSelect: () => setNaming("anybody"),
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
          {!voice.name && <Tag>unknown</Tag>}
          {voice.name && voice.confidence !== null && <Confidence value={voice.confidence} name={voice.name} />}
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
      <p class="muted">Listen and compare. The two voices become one, with all turns of both; this cannot be undone.</p>
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
