// The server's answers, as the pages use them.

export interface Consent {
  basis: string;
  date: string | null;
  note: string | null;
}

export interface Sample {
  id: string;
  source: "recording" | "job" | "voiceprint";
  jobId: string | null;
  speechSeconds: number;
  quality: Record<string, unknown> | null;
  model: "current" | "other";
  hasClip: boolean;
  createdAt: string;
}

export interface Speaker {
  id: string;
  name: string;
  tags: string[];
  consent: Consent | null;
  reviewDate: string | null;
  createdAt: string;
  updatedAt: string;
  lastHeardAt: string | null;
  sampleCount: number;
  speechSeconds: number;
  advice: string[];
}

export interface SpeakerDetail extends Speaker {
  samples: Sample[];
  jobId?: string; // of the job that hears the sample first
}

export interface SpeakerList {
  items: Speaker[];
  nextCursor: string | null;
  total: number;
  version: number;
}

export interface Candidate {
  speakerId: string;
  name: string;
  confidence: number;
}

export interface Turn {
  speaker: string; // the name, or the label of a voice that nobody was matched to
  start: number;
  end: number;
  diarizationSpeaker: string;
  match: string | null;
  speakerId?: string | null;
}

export interface NamedVoice {
  speaker: string;
  match: string | null;
  speakerId?: string | null;
  confidence: Record<string, number>;
  candidates?: Candidate[];
}

export interface Output {
  diarization?: { speaker: string; start: number; end: number }[];
  identification?: Turn[];
  voiceprints?: NamedVoice[];
  gallery?: { version: number; people: number };
  voiceprint?: string;
  warning?: string;
  error?: string;
}

export type JobStatus = "pending" | "created" | "running" | "succeeded" | "failed" | "canceled";

export interface Job {
  jobId: string;
  status: JobStatus;
  type: string;
  model: string;
  title?: string | null;
  kept?: boolean;
  hasVoices?: boolean;
  hasAudio?: boolean;
  createdAt: string;
  updatedAt: string;
  completedAt?: string;
  outputExpiresAt?: string;
  progress: number;
  stage?: string;
  duration?: number;
  warning?: string;
  output?: Output;
}

export interface JobItem {
  id: string;
  status: JobStatus;
  type: string | null;
  title: string | null;
  kept: boolean;
  outputExpiresAt: string | null;
  speakers: { speakerId: string; name: string }[];
  model: string | null;
  quantity: number | null;
  reason: string | null;
  createdAt: string;
  completedAt: string | null;
}

export interface Voice {
  speaker: string;
  seconds: number;
  hasClip: boolean;
  speakerId: string | null;
  candidates: Candidate[];
}

export interface JobCreated {
  jobId: string;
  status: JobStatus;
  warning?: string;
}

export const FINAL: ReadonlySet<JobStatus> = new Set(["succeeded", "failed", "canceled"]);
