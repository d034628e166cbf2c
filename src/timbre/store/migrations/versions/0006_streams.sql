-- Live streams. Their sound is nowhere but in memory.
CREATE TABLE streams (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    key_id uuid,                       -- null for a browser's session
    token_hash bytea NOT NULL UNIQUE,  -- of what opens it, once
    input jsonb NOT NULL,              -- what was asked for, as `GET /v1/live/{id}` shows it
    asked jsonb,                       -- the same with voiceprints; null from when it was opened
    status text NOT NULL DEFAULT 'created' CHECK (status IN ('created', 'running', 'done', 'error')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,   -- of the token
    started_at timestamptz,
    alive_at timestamptz,              -- when its process last said so
    completed_at timestamptz,
    seconds double precision NOT NULL DEFAULT 0,  -- of sound
    error text                         -- why it ended before its client wanted it to
);
CREATE INDEX streams_by_team ON streams (team_id, status);
CREATE INDEX streams_by_age ON streams (created_at);
