import type { Speaker } from "../../api/types";
import { ago } from "../../times";
import { Icon } from "../../ui/icons";
import { Avatar } from "./avatar";
import { amount } from "./speech";

/** One person of the gallery; all of it leads to their page. */
export function PersonCard({ person }: { person: Speaker }) {
  const [advice] = person.advice;
  return (
    <article class="person-card card">
      <header>
        <Avatar id={person.id} name={person.name} />
        <div class="grow">
          <h2 class="ellipsis">
            <a href={`/people/${person.id}`}>{person.name}</a>
          </h2>
          <p class="muted small">{person.lastHeardAt ? `Heard ${ago(person.lastHeardAt)}` : "Not heard yet"}</p>
        </div>
      </header>
      <p class="small numbers">{amount(person)}</p>
      {person.tags.length > 0 && (
        <ul class="tags" aria-label="Tags">
          {person.tags.map((tag) => (
            <li key={tag} class="tag">
              {tag}
            </li>
          ))}
        </ul>
      )}
      {advice && (
        <p class="person-advice small">
          <Icon name="info" size={16} />
          <span>{advice}</span>
        </p>
      )}
    </article>
  );
}
