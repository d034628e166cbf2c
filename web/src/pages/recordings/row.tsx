// One recording in the list.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import { stageWords } from "../../api/jobs";
import { FINAL, type Job, type JobItem } from "../../api/types";
import { may } from "../../session";
import { ago, at, count, goneIn, length } from "../../times";
import { Button, Progress, Tag } from "../../ui/controls";
import { Confirm } from "../../ui/dialog";
import { Icon } from "../../ui/icons";
import { tell, tellError } from "../../ui/toasts";
import { Avatar } from "../people/avatar";
import { filtersOf, where } from "./filters";
import { doneWords, hasPage, titleOf } from "./words";

const FACES = 5; // that are shown of those who were heard

export function RecordingRow({
  job,
  now,
  chosen,
  onChoose,
  onChanged,
  onGone,
}: {
  job: JobItem;
  now: Job | undefined; // what is known of one that is not done
  chosen: boolean;
  onChoose: (on: boolean) => void;
  onChanged: (change: Partial<JobItem>) => void;
  onGone: () => void;
}) {
  const [asking, setAsking] = useState(false);
  const status = now?.status ?? job.status;
  const done = FINAL.has(status);
  const title = titleOf(job);

  async function keep() {
    const kept = !job.kept;
    onChanged({ kept }); // at once; taken back if the server refuses
    try {
      const after = await api.patch("/v1/jobs/{jobId}", { path: { jobId: job.id }, body: { kept } });
      onChanged({ kept: after.kept, stays: after.stays, outputExpiresAt: after.outputExpiresAt ?? null });
      tell(
        kept
          ? `${title} is kept until you delete it.`
          : after.stays
            ? `${title} stays, as the rules in the settings keep it.`
            : `${title} goes when its time is over.`,
      );
    } catch (error) {
      onChanged({ kept: !kept });
      tellError(error);
    }
  }

  async function remove() {
    await api.delete("/v1/jobs/{jobId}", { path: { jobId: job.id }, query: { canceled: done } });
    onGone();
    tell(done ? `${title} was deleted.` : `${title} was canceled.`);
  }

  return (
    <li class="recording-row" data-status={status}>
      <input
        type="checkbox"
        class="choose-one"
        aria-label={`Choose ${title}`}
        checked={chosen}
        onChange={(event) => onChoose(event.currentTarget.checked)}
      />
      <div class="recording-main">
        <h2 class="ellipsis">{hasPage(job) ? <a href={`/jobs/${job.id}`}>{title}</a> : title}</h2>
        <p class="small muted">
          <time dateTime={job.createdAt} title={at(job.createdAt)}>
            {ago(job.createdAt)}
          </time>
          {(job.quantity ?? now?.duration) !== undefined &&
            (job.quantity ?? now?.duration) !== null &&
            `, ${length(job.quantity ?? now?.duration ?? 0)}`}
        </p>
        {job.tags.length > 0 && (
          <p class="row recording-tags">
            {job.tags.map((tag) => (
              <a key={tag} class="tag" href={where({ ...filtersOf(new URLSearchParams()), tag })}>
                {tag}
              </a>
            ))}
          </p>
        )}
      </div>
      <div class="recording-state">
        <State job={job} now={now} status={status} />
      </div>
      <div class="recording-kept small">
        <Expiry job={job} />
      </div>
      <div class="recording-actions">
        {status === "succeeded" && hasPage(job) && may("jobs:write") && (
          <Button
            kind="quiet"
            small
            icon="pin"
            class={job.kept ? "pinned" : ""}
            aria-pressed={job.kept}
            aria-label={job.kept ? `Keep ${title} no longer` : `Keep ${title}`}
            onClick={keep}
          />
        )}
        {may("jobs:write") && (
          <Button
            kind="quiet"
            small
            icon={done ? "trash" : "close"}
            aria-label={done ? `Delete ${title}` : `Cancel ${title}`}
            onClick={() => (done ? setAsking(true) : void remove().catch(tellError))}
          />
        )}
      </div>
      {asking && (
        <Confirm title="Delete this recording?" action="Delete" onConfirm={remove} onClose={() => setAsking(false)}>
          <p>
            The result of “{title}”, the voices heard in it and what is known of the job go at once and for good. People
            who learned from it keep their samples.
          </p>
        </Confirm>
      )}
    </li>
  );
}

function State({ job, now, status }: { job: JobItem; now: Job | undefined; status: Job["status"] }) {
  if (status === "failed")
    return (
      <p class="small">
        <Tag kind="bad">failed</Tag> {job.reason ?? now?.output?.error}
      </p>
    );
  if (status === "canceled") return <Tag>canceled</Tag>;
  if (status !== "succeeded") {
    const words = now ? stageWords(now) : stageWords({ status });
    return (
      <div class="stack-small">
        <p class="small muted">{words}</p>
        {status === "running" && <Progress label={words} {...(now ? { value: now.progress } : {})} />}
      </div>
    );
  }
  const unnamed = job.unnamed > 0 && hasPage(job) && (
    <span class="small muted nowrap">{count(job.unnamed, "unknown voice")}</span>
  );
  if (!job.speakers.length)
    return (
      <p class="small muted">
        {doneWords(job)}
        {unnamed && <>, {unnamed}</>}
      </p>
    );
  const more = job.speakers.length - FACES;
  const names = new Intl.ListFormat("en").format(job.speakers.map((each) => each.name));
  return (
    <p class="faces" title={names}>
      <span class="faces-row" aria-hidden="true">
        {job.speakers.slice(0, FACES).map((each) => (
          <Avatar key={each.speakerId} id={each.speakerId} name={each.name} size="small" />
        ))}
        {more > 0 && <span class="small muted">+{more}</span>}
      </span>
      <span class="small ellipsis">{names}</span>
      {unnamed}
    </p>
  );
}

function Expiry({ job }: { job: JobItem }) {
  if (job.status !== "succeeded" || !hasPage(job)) return null;
  if (job.kept)
    return (
      <span class="row nowrap">
        <Icon name="pin" size={16} /> kept
      </span>
    );
  if (job.stays)
    return (
      <span class="muted" title="A rule in the settings keeps it">
        stays
      </span>
    );
  if (!job.outputExpiresAt || Date.parse(job.outputExpiresAt) < Date.now())
    return <span class="muted">the result is gone</span>;
  const soon = Date.parse(job.outputExpiresAt) - Date.now() < 2 * 3_600_000;
  return (
    <span class={soon ? "row nowrap soon" : "row nowrap muted"} title={at(job.outputExpiresAt)}>
      <Icon name="clock" size={16} /> {goneIn(job.outputExpiresAt)}
    </span>
  );
}
