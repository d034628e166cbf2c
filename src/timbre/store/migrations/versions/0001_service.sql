CREATE TABLE teams (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    budget_seconds double precision CHECK (budget_seconds >= 0),  -- of audio a month; null for any
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,  -- sha-256: the key is 256 random bits, so that nothing slower is needed
    hint text NOT NULL,          -- its last characters, to tell keys apart
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE media (
    id uuid PRIMARY KEY,  -- version 7: the order of uploads
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    key text NOT NULL,
    object text NOT NULL UNIQUE,
    bytes bigint,         -- null while a presigned upload has not been seen yet
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX media_by_key ON media (team_id, key, id DESC);
CREATE INDEX media_by_expiry ON media (expires_at);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,  -- version 7: the order of submission
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    key_id uuid REFERENCES api_keys ON DELETE SET NULL,
    type text NOT NULL CHECK (type IN ('diarize', 'identify', 'voiceprint')),
    model text NOT NULL,  -- the pack that hears it
    params jsonb NOT NULL,
    warning text,
    media_id uuid REFERENCES media ON DELETE SET NULL,
    object text,          -- what was fetched for this job alone
    status text NOT NULL DEFAULT 'created'
        CHECK (status IN ('pending', 'created', 'running', 'succeeded', 'failed', 'canceled')),
    attempt integer NOT NULL DEFAULT 0,     -- how often it was begun; fences completion
    unfinished integer NOT NULL DEFAULT 0,  -- how many of these ended without a word
    worker text,          -- who began it last
    alive_at timestamptz NOT NULL DEFAULT now(),  -- when anybody last said that it is not forgotten
    stage text,
    progress real NOT NULL DEFAULT 0,
    duration double precision,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz
);
CREATE INDEX jobs_by_team ON jobs (team_id, id DESC);
CREATE INDEX jobs_by_team_and_status ON jobs (team_id, status, id DESC);
CREATE INDEX jobs_by_media ON jobs (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX jobs_unfinished ON jobs (alive_at) WHERE status IN ('pending', 'created', 'running');
CREATE INDEX jobs_by_completion ON jobs (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE job_outputs (
    job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    body bytea NOT NULL,   -- JSON, compressed with gzip
    length bigint NOT NULL -- bytes of the JSON
);
ALTER TABLE job_outputs ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE idempotency_keys (
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    key text NOT NULL,
    digest bytea NOT NULL,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_by_job ON idempotency_keys (job_id);

CREATE TABLE webhook_secrets (
    id uuid PRIMARY KEY,  -- version 7: the newest is the one to use next
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);
CREATE INDEX webhook_secrets_by_team ON webhook_secrets (team_id, id);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    url text NOT NULL,
    status_only boolean NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    round integer NOT NULL DEFAULT 0,  -- raised by every replay; fences attempts of the round before
    created_at timestamptz NOT NULL DEFAULT now(),
    next_at timestamptz DEFAULT now(),
    delivered_at timestamptz
);
CREATE INDEX webhook_deliveries_by_team ON webhook_deliveries (team_id, id DESC);
CREATE INDEX webhook_deliveries_by_job ON webhook_deliveries (job_id);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (next_at) WHERE state = 'pending';

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    round integer NOT NULL,
    number integer NOT NULL,  -- 0 for the first, then the number of the retry
    at timestamptz NOT NULL DEFAULT now(),
    status integer,
    reason text,
    error text,
    seconds real NOT NULL,
    PRIMARY KEY (delivery_id, round, number)
);

CREATE TABLE usage (
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    key_id uuid NOT NULL,  -- outlives the key
    month date NOT NULL,
    type text NOT NULL,
    jobs bigint NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (team_id, month, key_id, type)
);

CREATE TABLE server_secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

-- Whoever follows a job, a long poll or a stream of events, listens here.
CREATE FUNCTION notify_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('timbre_job', NEW.id::text);
    RETURN NULL;
END;
$$;
CREATE TRIGGER job_changed
    AFTER UPDATE OF status, stage, progress ON jobs
    FOR EACH ROW EXECUTE FUNCTION notify_job();
