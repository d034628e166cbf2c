// The recordings in which a person is named.
import type { JobList } from "../../api/types";
import { ago, length } from "../../times";
import { Note } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { titleOf } from "../recordings/words";

export function Heard({ speaker, page, error }: { speaker: string; page: JobList | undefined; error: string }) {
  return (
    <section class="card stack" aria-labelledby="heard">
      <h2 id="heard">Heard in</h2>
      {error && <Note kind="bad">{error}</Note>}
      {page?.items.length === 0 && (
        <p class="muted">
          No recording that is kept names them. <a href="/">Identify one</a>, or name a voice in one that is there.
        </p>
      )}
      {page && page.items.length > 0 && (
        <ul class="heard">
          {page.items.map((job) => (
            <li key={job.id}>
              <Icon name="wave" />
              <a class="grow ellipsis" href={`/jobs/${job.id}`}>
                {titleOf(job)}
              </a>
              <span class="small muted numbers">
                {Boolean(job.quantity) && `${length(job.quantity ?? 0)}, `}
                {ago(job.createdAt)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {page?.nextCursor && (
        <p>
          <a href={`/recordings?speaker=${speaker}`}>All recordings with them</a>
        </p>
      )}
    </section>
  );
}
