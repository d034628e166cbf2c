-- Who works on the queue, and on what; written with every heartbeat.
CREATE TABLE workers (
    name text PRIMARY KEY,       -- machine and process
    lanes text[] NOT NULL,
    model text,                  -- pack that it has loaded; null if it hears nothing
    device text NOT NULL,
    version text NOT NULL,       -- of the program
    started_at timestamptz NOT NULL DEFAULT now(),
    alive_at timestamptz NOT NULL DEFAULT now()
);

-- The oldest version of the tables whose programs may still run on these: while machines are brought up to date one by
-- one, old processes go on. A migration that they could not bear raises it.
CREATE TABLE schema_floor (oldest text NOT NULL);
INSERT INTO schema_floor VALUES ('0008');
