// Likely names, one after the other: yes or no with one key each.
import type { RefObject } from "preact";
import type { WaitingMatch } from "../../api/types";
import { may } from "../../session";
import { ago, at, clock, length } from "../../times";
import { Clip } from "../../ui/clip";
import { Confidence } from "../../ui/confidence";
import { Button, Tag } from "../../ui/controls";
import { Avatar } from "../people/avatar";
import { titleOf } from "../recordings/words";
import { PersonClip } from "./person-clip";
import { clipOf } from "./reviewing";

export function keyOf(voice: { jobId: string; speaker: string }): string {
  return `${voice.jobId} ${voice.speaker}`;
}

export function Matches({
  matches,
  current,
  list,
  onCurrent,
  onYes,
  onNo,
}: {
  matches: readonly WaitingMatch[];
  current: string;
  list: RefObject<HTMLUListElement | null>;
  onCurrent: (key: string) => void;
  onYes: (match: WaitingMatch) => void;
  onNo: (match: WaitingMatch) => void;
}) {
  return (
    <ul class="card review-matches" ref={list} aria-label="Likely names">
      {matches.map((match) => {
        const key = keyOf(match);
        const title = titleOf({ title: match.title, type: "identify" });
        return (
          <li
            key={key}
            data-key={key}
            tabIndex={-1}
            aria-current={key === current ? "true" : undefined}
            onFocusIn={() => onCurrent(key)}
          >
            <Clip src={clipOf(match)} label={`the voice in ${title}`} />
            <div class="review-what">
              <p>
                Is this <strong>{match.name}</strong>?
              </p>
              <p class="small muted">
                <a href={`/jobs/${match.jobId}?t=${match.startsAt}`}>{title}</a>,{" "}
                <span title={at(match.createdAt)}>{ago(match.createdAt)}</span>, talks {length(match.seconds)} from{" "}
                {clock(match.startsAt)} on
              </p>
            </div>
            <div class="review-who">
              <Avatar id={match.speakerId} name={match.name} size="small" />
              <PersonClip speakerId={match.speakerId} name={match.name} />
              <span>
                {match.confidence !== null && <Confidence value={match.confidence} name={match.name} />}
                {match.doubtful && <Tag kind="caution">named by a sample that is gone</Tag>}
              </span>
            </div>
            {may("jobs:write") && (
              <div class="row nowrap">
                <Button small kind="primary" icon="check" onClick={() => onYes(match)}>
                  Yes
                </Button>
                <Button small icon="close" onClick={() => onNo(match)}>
                  No
                </Button>
              </div>
            )}
          </li>
        );
      })}
    </ul>
  );
}
