CREATE EXTENSION IF NOT EXISTS vector;

ALTER TABLE teams ADD COLUMN gallery_version bigint NOT NULL DEFAULT 0;  -- raised by every change of its people

CREATE TABLE team_keys (
    team_id uuid PRIMARY KEY REFERENCES teams ON DELETE CASCADE,
    wrapped bytea NOT NULL,  -- the team's key under the master key: nonce, AES-256-GCM
    master text NOT NULL,    -- fingerprint of that master key
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE speakers (
    id uuid PRIMARY KEY,  -- version 7
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    name text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    consent jsonb,        -- basis, date, note
    review_on date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    heard_at timestamptz, -- when a job last named them
    notice_at timestamptz -- when it was first reported that they will be erased, as no recording names them
);
-- A name is a label in results, so it means one person.
CREATE UNIQUE INDEX speakers_by_name ON speakers (team_id, lower(name));
CREATE INDEX speakers_by_team ON speakers (team_id, id DESC);
CREATE INDEX speakers_by_tag ON speakers USING gin (tags);

CREATE TABLE samples (
    id uuid PRIMARY KEY,  -- version 7
    speaker_id uuid NOT NULL REFERENCES speakers ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    source text NOT NULL CHECK (source IN ('recording', 'job', 'voiceprint')),
    job_id uuid REFERENCES jobs ON DELETE SET NULL,  -- whose recording it is from
    space text NOT NULL,         -- vectors of other spaces mean nothing beside it
    seconds real NOT NULL,       -- of speech
    telephone real,              -- 0 wideband, 1 telephone; null where it is not known
    quality jsonb,
    template bytea NOT NULL,     -- text of a voiceprint with one prototype, encrypted; the id is its associated data
    clip bytea,                  -- some seconds to listen to, encrypted likewise
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX samples_by_speaker ON samples (speaker_id, id);
CREATE INDEX samples_by_job ON samples (job_id) WHERE job_id IS NOT NULL;

-- What search looks through: the mean of a person's templates in one space, turned by the team's secret rotation.
CREATE TABLE speaker_vectors (
    speaker_id uuid NOT NULL REFERENCES speakers ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    space text NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (speaker_id, space)
);
CREATE INDEX speaker_vectors_by_space ON speaker_vectors (team_id, space);
-- An index of many people searches worse with every row that is gone, so those are cleared away early.
ALTER TABLE speaker_vectors SET (autovacuum_vacuum_scale_factor = 0.05);

-- How many people of a team a search looks through: counting a million of them would take longer than the search.
CREATE TABLE gallery_sizes (
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    space text NOT NULL,
    dimension integer NOT NULL,
    people bigint NOT NULL,
    PRIMARY KEY (team_id, space, dimension)
);
CREATE FUNCTION count_speaker_vectors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE gallery_sizes AS size SET people = size.people - gone.people
        FROM (SELECT team_id, space, vector_dims(vector) AS dimension, count(*) AS people FROM old_vectors
              GROUP BY 1, 2, 3) AS gone
        WHERE (size.team_id, size.space, size.dimension) = (gone.team_id, gone.space, gone.dimension);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO gallery_sizes AS size (team_id, space, dimension, people)
        SELECT team_id, space, vector_dims(vector), count(*) FROM new_vectors GROUP BY 1, 2, 3
        ON CONFLICT (team_id, space, dimension) DO UPDATE SET people = size.people + excluded.people;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON speaker_vectors
    REFERENCING NEW TABLE AS new_vectors FOR EACH STATEMENT EXECUTE FUNCTION count_speaker_vectors();
CREATE TRIGGER count_changed AFTER UPDATE ON speaker_vectors
    REFERENCING OLD TABLE AS old_vectors NEW TABLE AS new_vectors
    FOR EACH STATEMENT EXECUTE FUNCTION count_speaker_vectors();
CREATE TRIGGER count_gone AFTER DELETE ON speaker_vectors
    REFERENCING OLD TABLE AS old_vectors FOR EACH STATEMENT EXECUTE FUNCTION count_speaker_vectors();

-- How the speakers of a job sound, so that they can be named again without the recording; goes with the output.
CREATE TABLE job_voices (
    job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    body bytea NOT NULL          -- encrypted; the job's id is its associated data
);
CREATE INDEX job_voices_by_team ON job_voices (team_id, job_id);

-- Whom an output mentions: to find a person's recordings, and to rename or erase them there.
CREATE TABLE job_speakers (
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    speaker_id uuid NOT NULL REFERENCES speakers ON DELETE CASCADE,
    named boolean NOT NULL,      -- whether a voice has their name; else they are a candidate for one alone
    PRIMARY KEY (job_id, speaker_id)
);
CREATE INDEX job_speakers_by_speaker ON job_speakers (speaker_id);

ALTER TABLE jobs DROP CONSTRAINT jobs_type_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_type_check
    CHECK (type IN ('diarize', 'identify', 'voiceprint', 'enrol', 'label'));
ALTER TABLE job_outputs ADD COLUMN peaks bytea;  -- the waveform: how loud it is, a byte each for equal parts of it
ALTER TABLE jobs ADD COLUMN kept boolean NOT NULL DEFAULT false;  -- its output stays until it is erased
ALTER TABLE jobs ADD COLUMN title text;  -- what people call the recording: the name of its file

CREATE TABLE audit (
    id uuid PRIMARY KEY,  -- version 7
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT now(),
    key_id uuid,          -- who did it; null for the server itself and its commands
    action text NOT NULL,
    subject uuid,
    details jsonb NOT NULL DEFAULT '{}'  -- never a name, never anything biometric
);
CREATE INDEX audit_by_team ON audit (team_id, id DESC);

-- When the server last did what it does now and then.
CREATE TABLE upkeep (
    task text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- PostgreSQL's statistics keep the commonest values of each column; whose are erased, they would stay there.
ALTER TABLE speakers ALTER name SET STATISTICS 0, ALTER tags SET STATISTICS 0, ALTER consent SET STATISTICS 0;
ALTER INDEX speakers_by_name ALTER COLUMN 2 SET STATISTICS 0;
ALTER TABLE samples ALTER quality SET STATISTICS 0, ALTER template SET STATISTICS 0, ALTER clip SET STATISTICS 0;
ALTER TABLE speaker_vectors ALTER vector SET STATISTICS 0;
ALTER TABLE job_voices ALTER body SET STATISTICS 0;
ALTER TABLE job_outputs ALTER body SET STATISTICS 0, ALTER peaks SET STATISTICS 0;
ALTER TABLE jobs ALTER params SET STATISTICS 0, ALTER title SET STATISTICS 0;

-- The web app: signed in by a link that works once, or by a key.
CREATE TABLE sign_in_links (
    hash bytea PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE TABLE sessions (
    hash bytea PRIMARY KEY,
    key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,  -- it may do what this key may, as long as that is valid
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Packs of models that were asked for over HTTP: one row a pack, the last time it was pulled.
CREATE TABLE model_pulls (
    pack text PRIMARY KEY,
    id uuid NOT NULL,            -- of this pull; fences its reports
    machine text NOT NULL,       -- whose disk it goes to
    file text,
    fraction real NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    alive_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    error text
);

-- Keys that may do everything may do what is new as well.
UPDATE api_keys SET scopes = scopes || ARRAY['speakers:read', 'speakers:write', 'admin']
WHERE scopes @> ARRAY['jobs:read', 'jobs:write', 'media:read', 'media:write', 'stream:read', 'stream:write'];
