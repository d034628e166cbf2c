// What a person's voice was learned from.
import { useState } from "preact/hooks";
import { address, api } from "../../api/client";
import type { Sample, SpeakerDetail } from "../../api/types";
import { day, length } from "../../times";
import { Clip } from "../../ui/clip";
import { Button, Empty, Tag } from "../../ui/controls";
import { Confirm } from "../../ui/dialog";
import { tell } from "../../ui/toasts";
import { faults } from "../people/speech";

const UNLIKE = 20; // of 100: below, a sample does not sound like the others
const SOURCES: Record<Sample["source"], string> = {
  recording: "A recording of them",
  job: "A conversation",
  voiceprint: "A voiceprint",
};

export function Samples({
  person,
  change,
  onAdd,
  onChanged,
}: {
  person: SpeakerDetail;
  change: boolean;
  onAdd: () => void;
  onChanged: (person: SpeakerDetail) => void;
}) {
  const [removing, setRemoving] = useState<Sample | null>(null);
  async function remove(sample: Sample) {
    const path = { speakerId: person.id, sampleId: sample.id };
    onChanged(await api.delete("/v1/speakers/{speakerId}/samples/{sampleId}", { path }));
    tell("The sample was erased.");
  }
  return (
    <section class="card stack" aria-labelledby="samples">
      <h2 id="samples">Samples</h2>
      {person.samples.length ? (
        <ul class="samples">
          {person.samples.map((sample, index) => (
            <SampleRow
              key={sample.id}
              sample={sample}
              number={index + 1}
              person={person}
              onRemove={change ? () => setRemoving(sample) : undefined}
            />
          ))}
        </ul>
      ) : (
        <Empty
          icon="mic"
          title="No sample yet"
          action={
            change && (
              <Button icon="plus" onClick={onAdd}>
                Add a sample
              </Button>
            )
          }
        >
          Without a recording of their voice {person.name} cannot be recognised.
        </Empty>
      )}
      {removing && (
        <Confirm
          title="Erase this sample?"
          action="Erase the sample"
          onConfirm={() => remove(removing)}
          onClose={() => setRemoving(null)}
        >
          {person.samples.length === 1
            ? `It is the only one: without it, ${person.name} is not recognised any more.`
            : `What Timbre learned from it goes for good. ${person.name} is recognised by the others alone.`}
        </Confirm>
      )}
    </section>
  );
}

function SampleRow({
  sample,
  number,
  person,
  onRemove,
}: {
  sample: Sample;
  number: number;
  person: SpeakerDetail;
  onRemove: (() => void) | undefined;
}) {
  const wrong = faults(sample);
  const advice = sample.quality?.advice;
  const path = { speakerId: person.id, sampleId: sample.id };
  const name = `sample ${number}`;
  return (
    <li class="sample">
      {sample.hasClip ? (
        <Clip src={address("/v1/speakers/{speakerId}/samples/{sampleId}/audio", { path })} label={name} />
      ) : (
        <span class="sample-silent" aria-hidden="true" />
      )}
      <div class="grow">
        <p class="row">
          <strong class="numbers">{length(sample.speechSeconds)} of speech</strong>
          {sample.alike !== null && sample.alike < UNLIKE && (
            <Tag kind="caution">unlike the others: {Math.round(sample.alike)} of 100</Tag>
          )}
          {sample.model === "other" ? (
            <Tag kind="caution">another model</Tag>
          ) : wrong?.length ? (
            wrong.map((each) => (
              <Tag key={each} kind="caution">
                {each}
              </Tag>
            ))
          ) : (
            wrong && <Tag kind="good">good</Tag>
          )}
        </p>
        <p class="small muted">
          {sample.jobId && sample.source === "job" ? (
            <a href={`/jobs/${sample.jobId}`}>{sample.jobTitle ?? SOURCES[sample.source]}</a>
          ) : (
            SOURCES[sample.source]
          )}
          , {day(sample.createdAt)}
          {!sample.hasClip && ", nothing kept to listen to"}
        </p>
        {sample.alike !== null && sample.alike < UNLIKE && (
          <p class="small">
            It may be somebody else's voice{sample.jobId && ": listen, and correct the name in the conversation"}.
          </p>
        )}
        {Array.isArray(advice) &&
          advice.map((each) => (
            <p key={String(each)} class="small">
              {String(each)}.
            </p>
          ))}
      </div>
      {onRemove && <Button kind="quiet" small icon="trash" aria-label={`Erase ${name}`} onClick={onRemove} />}
    </li>
  );
}
