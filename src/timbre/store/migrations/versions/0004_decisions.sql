-- What people said about the result of a job: only added to. What stands of it is a fold over it, see service/results.
CREATE TABLE job_decisions (
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    revision integer NOT NULL,   -- of the result that it made, from 1 on
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    kind text NOT NULL,          -- a kind of decision, or undo, or redo
    body jsonb NOT NULL,         -- what it is about; of a naming that made a person, who that was to be
    speaker_id uuid,             -- the person it is about; null where they were erased since
    key_id uuid,                 -- with which it was made
    display_name text,           -- of whoever made it; null where they did not say
    at timestamptz NOT NULL DEFAULT now(),
    once_key text,               -- the client's key that makes it count once
    once_digest bytea,           -- of what was asked for with it
    PRIMARY KEY (job_id, revision)
);
CREATE INDEX job_decisions_by_speaker ON job_decisions (speaker_id) WHERE speaker_id IS NOT NULL;
CREATE INDEX job_decisions_of_new_people ON job_decisions (team_id) WHERE body ? 'create';
CREATE UNIQUE INDEX job_decisions_once ON job_decisions (job_id, once_key) WHERE once_key IS NOT NULL;
ALTER TABLE job_decisions ALTER body SET STATISTICS 0;  -- which would keep a name that is erased

ALTER TABLE jobs ADD COLUMN revision integer NOT NULL DEFAULT 0;  -- the latest of its decisions

-- What the machine found, where decisions made something else of it; packed like the body, which is what stands.
ALTER TABLE job_outputs ADD COLUMN proposal bytea;
ALTER TABLE job_outputs ALTER COLUMN proposal SET STORAGE EXTERNAL;
ALTER TABLE job_outputs ALTER proposal SET STATISTICS 0;

ALTER TABLE samples ADD COLUMN decision integer;  -- of the job beside it that it was learned by; null for none

ALTER TABLE webhook_deliveries ADD COLUMN revised boolean NOT NULL DEFAULT false;  -- tells of decisions, not of an end

-- Whoever has a result in front of them hears of every change of it.
DROP TRIGGER job_changed ON jobs;
CREATE TRIGGER job_changed
    AFTER UPDATE OF status, stage, progress, updated_at ON jobs
    FOR EACH ROW EXECUTE FUNCTION notify_job();
