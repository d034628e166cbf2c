// How long what is kept, and who is due to be forgotten.
import { api } from "../../api/client";
import { ago, count, day } from "../../times";
import { Note, Tag } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";
import { Avatar } from "../people/avatar";
import { Keeping } from "./keeping";
import { Of } from "./section";
import type { DueReview, DueSpeaker, RetentionReport, ServerState } from "./types";

export function Retention() {
  const server = useLoaded<ServerState>((signal) => api.get("/v1/server", { signal }), []);
  return (
    <>
      <Keeping />
      <h3 class="settings-part">The server's times</h3>
      <p class="muted">These are set where the server is started, as environment variables.</p>
      <Of loaded={server}>
        {({ retention }) => (
          <ul class="card list">
            {retention.map((rule) => (
              <li key={rule.name}>
                <div class="grow">
                  <p>{rule.text}</p>
                  <p class="small muted">
                    <code>
                      {rule.setting}={rule.value}
                    </code>
                  </p>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Of>
      <Due />
    </>
  );
}

function Due() {
  const loaded = useLoaded<RetentionReport>((signal) => api.get("/v1/speakers/retention", { signal }), []);
  return (
    <section class="stack" aria-labelledby="due">
      <h3 id="due" class="settings-part">
        People who are due
      </h3>
      <Of loaded={loaded}>
        {({ months, dueNow, dueSoon, reviewDue }) => (
          <>
            <People
              people={dueNow}
              title={`${count(dueNow.length, "person is", "people are")} erased soon: no recording has named them for ${count(months, "month")}`}
            />
            <People
              people={dueSoon}
              title={`${count(dueSoon.length, "person", "people")} will be due within 30 days`}
            />
            <Reviews people={reviewDue} />
            {!dueNow.length && !dueSoon.length && !reviewDue.length && (
              <Note kind="good">
                Nobody is due{months ? "" : ": people are not erased by themselves here, and no review has come up"}.
              </Note>
            )}
          </>
        )}
      </Of>
    </section>
  );
}

function People({ people, title }: { people: DueSpeaker[]; title: string }) {
  if (!people.length) return null;
  return (
    <>
      <Note kind="caution">{title}. Whom a recording names before that, stays.</Note>
      <ul class="card list">
        {people.map((person) => (
          <li key={person.speakerId}>
            <Avatar id={person.speakerId} name={person.name} size="small" />
            <div class="grow">
              <a href={`/people/${person.speakerId}`}>{person.name}</a>
              <p class="small muted">
                {person.lastHeardAt ? `Last heard ${ago(person.lastHeardAt)}` : "Never heard in a recording"}, added{" "}
                {day(person.createdAt)}
              </p>
            </div>
            <Tag kind="caution">erased from {day(person.erasedFrom)} on</Tag>
          </li>
        ))}
      </ul>
    </>
  );
}

function Reviews({ people }: { people: DueReview[] }) {
  if (!people.length) return null;
  return (
    <>
      <Note>
        {count(people.length, "review")} {people.length === 1 ? "has" : "have"} come up: ask whether they may stay, and
        set another day on their page. Nobody is erased for it.
      </Note>
      <ul class="card list">
        {people.map((person) => (
          <li key={person.speakerId}>
            <Avatar id={person.speakerId} name={person.name} size="small" />
            <a class="grow" href={`/people/${person.speakerId}`}>
              {person.name}
            </a>
            <Tag kind="caution">review since {day(person.reviewDate)}</Tag>
          </li>
        ))}
      </ul>
    </>
  );
}
