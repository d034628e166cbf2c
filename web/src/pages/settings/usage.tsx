// What the team used in a month.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import { count, length } from "../../times";
import { Empty, Progress } from "../../ui/controls";
import { useLoaded } from "../../ui/loaded";
import { Of } from "./section";
import type { UsageAnswer } from "./types";

const MONTHS = 12; // that can be chosen
const NAME = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
const TYPES: Record<string, string> = {
  diarize: "Voices told apart",
  identify: "Voices named",
  voiceprint: "Voiceprints",
  enrol: "Samples of people",
  label: "Transcripts",
};

export function Usage() {
  const months = lastMonths();
  const [month, setMonth] = useState(months[0] ?? "");
  const loaded = useLoaded<UsageAnswer>((signal) => api.get("/v1/usage", { query: { month }, signal }), [month]);
  return (
    <>
      <div class="row spread">
        <p class="muted grow">Recordings count once their job has succeeded, by their length.</p>
        <label>
          <span class="visually-hidden">Month</span>
          <select class="compact" value={month} onChange={(event) => setMonth(event.currentTarget.value)}>
            {months.map((each) => (
              <option key={each} value={each}>
                {NAME.format(new Date(`${each}-01T00:00:00Z`))}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Of loaded={loaded}>{(usage) => <Month usage={usage} />}</Of>
    </>
  );
}

function Month({ usage }: { usage: UsageAnswer }) {
  const budget = usage.budgetSeconds ?? null;
  return (
    <>
      <div class="figures">
        <div class="card">
          <p class="figure numbers">{usage.seconds ? length(Math.round(usage.seconds)) : "0 s"}</p>
          <p class="muted small">heard</p>
        </div>
        <div class="card">
          <p class="figure numbers">{usage.jobs.toLocaleString("en")}</p>
          <p class="muted small">{usage.jobs === 1 ? "recording" : "recordings"}</p>
        </div>
        <div class="card">
          <p class="figure numbers">{budget === null ? "No limit" : length(budget)}</p>
          <p class="muted small">budget a month</p>
          {budget !== null && budget > 0 && <Progress label="Used of the budget" value={usage.seconds / budget} />}
        </div>
      </div>
      {usage.keys.length ? (
        <div class="card table-frame">
          <table>
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">What for</th>
                <th scope="col" class="number">
                  Jobs
                </th>
                <th scope="col" class="number">
                  Heard
                </th>
              </tr>
            </thead>
            <tbody>
              {usage.keys.map((row) => (
                <tr key={`${row.keyId}${row.type}`}>
                  <td>{row.name ?? <span class="muted">a key that is gone</span>}</td>
                  <td>{TYPES[row.type] ?? row.type}</td>
                  <td class="number">{row.jobs.toLocaleString("en")}</td>
                  <td class="number">{length(row.seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Empty icon="chart" title="Nothing was heard in this month">
          {count(0, "recording")} by any key.
        </Empty>
      )}
    </>
  );
}

/** This month and those before, by UTC as the server counts: "2026-11". */
function lastMonths(): string[] {
  const now = new Date();
  return Array.from({ length: MONTHS }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7),
  );
}
