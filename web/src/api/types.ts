// The server's answers by short names. schema.ts is made from the OpenAPI document: `make web-types`.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type AlikePair = Schemas["AlikePair"];
export type Candidate = Schemas["Candidate"];
export type Consent = Schemas["ConsentRecord"];
export type DecidedJob = Schemas["DecidedJob"];
export type GalleryUpgrade = Schemas["GalleryUpgradeState"];
export type HistoryItem = Schemas["HistoryItem"];
export type ImportReport = Schemas["ImportReport"];
export type Job = Schemas["Job"];
export type JobItem = Schemas["JobItem"];
export type JobList = Schemas["JobList"];
export type JobStatus = Job["status"];
export type MadeDecision = Schemas["MadeDecision"];
export type MapPoint = Schemas["MapPoint"];
export type Models = Schemas["Models"];
export type ModelName = NonNullable<Schemas["IdentifyRequest"]["model"]>;
export type Peaks = Schemas["Peaks"];
export type Keeping = Schemas["KeepingState"];
export type ReviewAnswer = Schemas["ReviewAnswer"];
export type Sample = Schemas["SpeakerSample"];
export type Session = Schemas["Session"];
export type Speaker = Schemas["Speaker"];
export type SpeakerDetail = Schemas["SpeakerDetail"];
export type SpeakerList = Schemas["SpeakerList"];
export type SpeakerMap = Schemas["SpeakerMap"];
export type UpgradeRun = Schemas["UpgradeRun"];
export type SpeakerRecordingList = Schemas["SpeakerRecordingList"];
export type TagItem = Schemas["TagItem"];
export type Voice = Schemas["Voice"];
export type WaitingGroup = Schemas["WaitingGroup"];
export type WaitingList = Schemas["WaitingList"];
export type WaitingMatch = Schemas["WaitingMatch"];
export type WaitingVoice = Schemas["WaitingVoice"];

/** What a job's output may hold, whatever its type: all of it may be missing. */
export type Output = Partial<
  Schemas["IdentificationOutput"] & Schemas["EnrolOutput"] & Schemas["VoiceprintOutput"] & Schemas["FailedOutput"]
>;

/** A word of a recording that is still being heard. */
export interface WordSoFar {
  start: number;
  end: number;
  text: string;
  speaker?: string; // its label, once the speakers are known
}

/** What an event of a job tells: words from a place on, in place of what was told from there on before. */
export interface ToldWords {
  first: number;
  words: readonly WordSoFar[];
}

export function outputOf(job: Pick<Job, "output">): Output | undefined {
  return job.output as Output | undefined;
}

export const FINAL: ReadonlySet<JobStatus> = new Set(["succeeded", "failed", "canceled"]);
