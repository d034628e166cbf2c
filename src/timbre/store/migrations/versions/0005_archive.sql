-- How names and titles are searched: é as e, ß as ss, in whatever case. Most are ASCII, which is quickly seen.
CREATE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN octet_length(words) = length(words) THEN lower(words)
        ELSE replace(replace(replace(replace(
             translate(lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]', '', 'g')), 'øłđðħıŧ', 'olddhit'),
             'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
    END
$$;

ALTER TABLE jobs
    ADD COLUMN source text NOT NULL DEFAULT 'api' CHECK (source IN ('api', 'web')),  -- how it was submitted
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    -- When it goes, if a rule or somebody says so: infinity for never, null for the times of the server's settings.
    ADD COLUMN keep_until timestamptz;
ALTER TABLE jobs ALTER tags SET STATISTICS 0;  -- which would keep those of a job that is erased
CREATE INDEX jobs_by_tag ON jobs USING gin (tags);
CREATE INDEX jobs_by_end ON jobs (keep_until) WHERE keep_until < 'infinity';

-- How long recordings are kept, by how they came or by a tag they bear. Without a rule: those of the web app for ever.
CREATE TABLE keeping_rules (
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    source text CHECK (source IN ('api', 'web')),
    tag text,
    days integer CHECK (days > 0),  -- null for ever
    CHECK (num_nonnulls(source, tag) = 1),
    UNIQUE NULLS NOT DISTINCT (team_id, source, tag)
);

CREATE FUNCTION kept_until(job jobs) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN job.kept THEN 'infinity'
        WHEN job.status <> 'succeeded' OR job.type NOT IN ('diarize', 'identify', 'label') THEN NULL
        -- Of several tags, the one that keeps it longest; a tag goes before how it came.
        ELSE coalesce(
            (SELECT max(coalesce(job.completed_at + make_interval(days => rule.days), 'infinity'))
             FROM keeping_rules AS rule WHERE rule.team_id = job.team_id AND rule.tag = ANY(job.tags)),
            (SELECT coalesce(job.completed_at + make_interval(days => rule.days), 'infinity')
             FROM keeping_rules AS rule WHERE rule.team_id = job.team_id AND rule.source = job.source),
            CASE WHEN job.source = 'web' THEN 'infinity'::timestamptz END)
    END
$$;
CREATE FUNCTION note_kept_until() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.keep_until := kept_until(NEW);
    RETURN NEW;
END;
$$;
CREATE TRIGGER job_kept_until
    BEFORE INSERT OR UPDATE OF kept, tags, status, completed_at ON jobs
    FOR EACH ROW EXECUTE FUNCTION note_kept_until();
UPDATE jobs SET keep_until = 'infinity' WHERE kept;

-- Who is heard in a result, as it stands: what lists and reviews go by, without reading it. Written with every change.
CREATE TABLE heard (
    job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    gallery bigint               -- version of the gallery that it was named by; null if by none
);
CREATE INDEX heard_by_team ON heard (team_id, gallery);
CREATE TABLE heard_voices (
    job_id uuid NOT NULL REFERENCES heard ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    speaker text NOT NULL,       -- label
    seconds real NOT NULL,       -- of talk
    turns integer NOT NULL,
    starts real NOT NULL,        -- seconds from the beginning of the recording
    named boolean NOT NULL,
    speaker_id uuid REFERENCES speakers ON DELETE SET NULL,
    confidence smallint,         -- 0 to 100, that it is this person
    decided boolean NOT NULL,    -- by hand: who it is, or that nobody knows
    checked boolean NOT NULL,    -- whether somebody has looked at every turn, or decided about it
    PRIMARY KEY (job_id, speaker)
);
CREATE INDEX heard_voices_by_speaker ON heard_voices (speaker_id) WHERE speaker_id IS NOT NULL;
CREATE INDEX heard_voices_waiting ON heard_voices (team_id) WHERE NOT decided;

-- The vectors of a recording's voices by themselves, sealed as those with the clips are: reviews read many of them.
ALTER TABLE job_voices ADD COLUMN vectors bytea, ADD COLUMN space text;
ALTER TABLE job_voices ALTER vectors SET STATISTICS 0;

-- Between which versions of the gallery a person was known by a sample that is gone: what was named then is in doubt.
ALTER TABLE samples ADD COLUMN version bigint NOT NULL DEFAULT 0;
CREATE INDEX samples_by_version ON samples (team_id, version);
CREATE TABLE withdrawn_samples (
    speaker_id uuid NOT NULL REFERENCES speakers ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    learned bigint NOT NULL,
    gone bigint NOT NULL
);
CREATE INDEX withdrawn_samples_by_speaker ON withdrawn_samples (speaker_id);
CREATE INDEX withdrawn_samples_by_team ON withdrawn_samples (team_id, gone);
