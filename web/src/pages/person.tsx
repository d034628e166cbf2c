// A person: how they were heard, what would make them surer to recognise, where they speak, and what may be kept.
import { useState } from "preact/hooks";
import { api } from "../api/client";
import type { SpeakerDetail, SpeakerRecordingList } from "../api/types";
import { go, query } from "../router";
import { may } from "../session";
import { ago, day } from "../times";
import { Button, Empty, Loading, Note, Tag } from "../ui/controls";
import { Icon } from "../ui/icons";
import { useLoaded } from "../ui/loaded";
import { Menu } from "../ui/menu";
import { Avatar } from "./people/avatar";
import { amount, today } from "./people/speech";
import { Tags } from "./people/tags";
import { AddSample } from "./person/add-sample";
import { EditConsent } from "./person/edit-consent";
import { EditPerson } from "./person/edit-person";
import { Erase } from "./person/erase";
import { Heard } from "./person/heard";
import { Merge } from "./person/merge";
import { Samples } from "./person/samples";
import "./people.css";
import "./person.css";

const RECORDINGS = 20;

type Opened = "" | "edit" | "sample" | "merge" | "erase" | "consent";

export function Person({ speaker }: { speaker: string }) {
  const path = { speakerId: speaker };
  const person = useLoaded<SpeakerDetail>((signal) => api.get("/v1/speakers/{speakerId}", { path, signal }), [speaker]);
  const heard = useLoaded<SpeakerRecordingList>(
    (signal) => api.get("/v1/speakers/{speakerId}/recordings", { path, query: { limit: RECORDINGS }, signal }),
    [speaker],
  );
  const [opened, setOpened] = useState<Opened>(query.value.get("add") === "sample" ? "sample" : "");
  const close = () => setOpened("");

  if (person.error && !person.value)
    return (
      <Empty whole icon="person" title="This person is not here" action={<a href="/people">To all people</a>}>
        {person.error}
      </Empty>
    );
  const known = person.value;
  if (!known) return <Loading what="Loading the person" />;
  const change = may("speakers:write");
  return (
    <>
      <p class="back">
        <a href="/people">
          <Icon name="back" size={16} /> People
        </a>
      </p>
      <header class="person-head">
        <Avatar id={known.id} name={known.name} size="large" />
        <div class="grow">
          <h1>{known.name}</h1>
          <p class="muted">
            {amount(known)} · {known.lastHeardAt ? `heard ${ago(known.lastHeardAt)}` : "not heard in a recording yet"}
          </p>
          <Tags tags={known.tags} />
        </div>
        {change && (
          <div class="row">
            <Button kind="primary" icon="plus" onClick={() => setOpened("sample")}>
              Add a sample
            </Button>
            <Menu
              label="More"
              icon="more"
              items={[
                { text: "Rename or tag…", icon: "edit", onSelect: () => setOpened("edit") },
                { text: "Merge…", icon: "merge", hint: "Somebody here twice", onSelect: () => setOpened("merge") },
                { text: "Erase…", icon: "trash", danger: true, onSelect: () => setOpened("erase") },
              ]}
            />
          </div>
        )}
      </header>
      <div class="person-columns">
        <div class="stack">
          {known.advice.length > 0 && (
            <Note kind={known.samples.some((sample) => sample.model === "current") ? "info" : "caution"}>
              <ul class="stack-small">
                {known.advice.map((each) => (
                  <li key={each}>{each}.</li>
                ))}
              </ul>
            </Note>
          )}
          <Samples
            person={known}
            change={change}
            onAdd={() => setOpened("sample")}
            onChanged={(after) => {
              person.set(after);
              void heard.reload(); // names may stand on what is gone
            }}
          />
          <Heard speaker={speaker} name={known.name} loaded={heard} />
        </div>
        <aside class="stack">
          <Agreement person={known} change={change} onEdit={() => setOpened("consent")} />
          <section class="card stack-small">
            <h2>About this record</h2>
            <dl class="facts">
              <dt>Added</dt>
              <dd>{day(known.createdAt)}</dd>
              <dt>Changed</dt>
              <dd>{ago(known.updatedAt)}</dd>
              <dt>Id</dt>
              <dd>
                <code>{known.id}</code>
              </dd>
            </dl>
          </section>
        </aside>
      </div>
      {opened === "edit" && <EditPerson person={known} onClose={close} onSaved={(after) => person.set(after)} />}
      {opened === "consent" && <EditConsent person={known} onClose={close} onSaved={(after) => person.set(after)} />}
      {opened === "sample" && <AddSample person={known} onClose={close} onAdded={() => void person.reload()} />}
      {opened === "merge" && (
        <Merge
          person={known}
          onClose={close}
          onMerged={(after) => {
            person.set(after);
            void heard.reload();
          }}
        />
      )}
      {opened === "erase" && <Erase person={known} onClose={close} onErased={() => go("/people")} />}
    </>
  );
}

function Agreement({ person, change, onEdit }: { person: SpeakerDetail; change: boolean; onEdit: () => void }) {
  const { consent, reviewDate } = person;
  const due = reviewDate !== null && reviewDate <= today();
  return (
    <section class="card stack-small">
      <div class="row spread">
        <h2>Consent</h2>
        {change && <Button small kind="quiet" icon="edit" aria-label="Change consent and review" onClick={onEdit} />}
      </div>
      {consent ? (
        <>
          <p>
            {consent.basis}
            {consent.date && <span class="muted">, {day(consent.date)}</span>}
          </p>
          {consent.note && <p class="small muted">{consent.note}</p>}
        </>
      ) : (
        <p class="muted">Nothing is noted. Ask them, and write down how they agreed.</p>
      )}
      <p class="row">
        {reviewDate ? (
          <>
            <span>Review on {day(reviewDate)}</span>
            {due && <Tag kind="caution">due</Tag>}
          </>
        ) : (
          <span class="muted small">No review is planned.</span>
        )}
      </p>
    </section>
  );
}
