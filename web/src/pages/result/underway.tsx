// A recording that is still being heard: how far it is, and the words that were recognised so far.
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { stageWords } from "../../api/jobs";
import type { Job, WordSoFar } from "../../api/types";
import { isLong } from "../../notify";
import { clock, count, length } from "../../times";
import { Progress } from "../../ui/controls";
import { NotifyOffer } from "../../ui/notify-offer";
import { Head } from "./head";
import { inLines } from "./so-far";
import { useWindow } from "./window";

export function Underway({
  job,
  words,
  onChange,
}: {
  job: Job;
  words: readonly WordSoFar[];
  onChange: (job: Job) => void;
}) {
  return (
    <>
      <Head job={job} onChange={onChange} turns={false} />
      <div class="stack">
        <section class="card underway">
          <h2>{stageWords(job)}</h2>
          <Progress value={job.progress} label={stageWords(job)} />
          <p class="muted">
            {job.duration === undefined
              ? "Short recordings take seconds, hours take minutes."
              : `${length(job.duration)} to listen to. You can leave this page; it goes on without you.`}
          </p>
          {isLong(job.duration) && <NotifyOffer />}
        </section>
        {words.length > 0 && <SoFar words={words} />}
      </div>
    </>
  );
}

const NEAR = 40; // pixels from the end of the list: who is no farther away sees what comes

function SoFar({ words }: { words: readonly WordSoFar[] }) {
  const list = useRef<HTMLOListElement>(null);
  const lines = useMemo(() => inLines(words), [words]);
  const view = useWindow(list, lines);
  const atEnd = useRef(true);
  const known = words.some(({ speaker }) => speaker);

  useLayoutEffect(() => {
    if (list.current && atEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [lines, view.first, view.last]);

  return (
    <section class="card so-far" aria-labelledby="so-far-title">
      <h2 id="so-far-title">{count(words.length, "word")} so far</h2>
      <p class="muted">
        {known
          ? "Provisional: who says what may still change, and names come with the result."
          : "Provisional: who says what is not known yet."}
      </p>
      <ol
        ref={list}
        tabIndex={0}
        aria-labelledby="so-far-title"
        style={{ "--above": `${view.above}px`, "--below": `${view.below}px` }}
        onScroll={({ currentTarget: own }) => {
          atEnd.current = own.scrollHeight - own.scrollTop - own.clientHeight < NEAR;
        }}
      >
        {lines.slice(view.first, view.last).map((line) => (
          <li key={line.id}>
            <span class="numbers muted">{clock(line.start, { tenths: true })}</span>
            <span>
              {line.name && <strong>{line.name}</strong>} {line.words}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
