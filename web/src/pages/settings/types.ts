// What the sections of the settings ask the server for.
import type { components } from "../../api/schema";

type Schemas = components["schemas"];
export type Key = Schemas["Key"];
export type NewKey = Schemas["NewKey"];
export type Secret = Schemas["Secret"];
export type Delivery = Schemas["Delivery"];
export type ModelPack = Schemas["ModelPack"];
export type ModelsAnswer = Schemas["Models"];
export type ServerState = Schemas["ServerState"];
export type UsageAnswer = Schemas["Usage"];
export type AuditEntry = Schemas["AuditEntry"];
export type RetentionReport = Schemas["SpeakerRetentionReport"];
export type DueSpeaker = Schemas["DueSpeaker"];
export type DueReview = Schemas["DueReview"];

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
