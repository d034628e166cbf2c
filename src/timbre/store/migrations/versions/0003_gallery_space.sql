-- In which space the people of a team are compared; null until somebody is enrolled.
ALTER TABLE teams ADD COLUMN gallery_space text;

-- What samples become in another space, made again from their clips; they take its place when all of a gallery do.
CREATE TABLE sample_successors (
    sample_id uuid PRIMARY KEY REFERENCES samples ON DELETE CASCADE,
    team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    space text NOT NULL,
    seconds real NOT NULL,       -- of speech in the clip
    template bytea NOT NULL      -- sealed as that of the sample, with the same associated data
);
CREATE INDEX sample_successors_by_team ON sample_successors (team_id);
ALTER TABLE sample_successors ALTER template SET STATISTICS 0;  -- as those of samples

-- The last time that a team's gallery was brought to another space, or is being brought.
CREATE TABLE gallery_upgrades (
    team_id uuid PRIMARY KEY REFERENCES teams ON DELETE CASCADE,
    id uuid NOT NULL,            -- of this run; fences its reports
    key_id uuid,                 -- who asked for it; null for a command
    space text NOT NULL,         -- where to
    without_them boolean NOT NULL,  -- whether people who cannot be embedded again may stay behind
    done integer NOT NULL DEFAULT 0,   -- samples
    total integer NOT NULL DEFAULT 0,  -- likewise
    asked_at timestamptz NOT NULL DEFAULT now(),
    alive_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    error text
);
