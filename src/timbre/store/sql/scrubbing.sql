-- alone --
SELECT pg_try_advisory_lock(7595438) AS locked

-- due --
SELECT coalesce(now() - at > interval '1 day', true)
    OR EXISTS (SELECT 1 FROM audit
               WHERE audit.at > upkeep.at AND action NOT IN ('speaker.created', 'speaker.notice', 'sample.added')) AS due
FROM (VALUES ('scrub')) AS wanted (task) LEFT JOIN upkeep USING (task)

-- begin --
-- What was erased after the oldest transaction began may still be seen by that, and is left to the next time.
SELECT least(now(), min(xact_start)) - interval '1 minute' AS at
FROM pg_stat_activity WHERE pid <> pg_backend_pid()

-- done --
INSERT INTO upkeep (task, at) VALUES ('scrub', %(at)s) ON CONFLICT (task) DO UPDATE SET at = excluded.at

-- tables --
SELECT oid::regclass::text AS name, pg_table_size(oid) AS bytes,
       EXISTS (SELECT 1 FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
               WHERE indrelid = pg_class.oid AND amname = 'hnsw') AS has_graph
FROM pg_class
WHERE oid = ANY (ARRAY['speakers', 'samples', 'sample_successors', 'speaker_vectors', 'job_speakers', 'job_voices', 'job_outputs', 'job_decisions', 'heard_voices', 'words_so_far', 'jobs',
                       'media']::regclass[])

-- be_brief --
SET lock_timeout = '2s'

-- rewrite --
VACUUM (FULL) {table}

-- clean --
VACUUM (INDEX_CLEANUP ON) {table}

-- checkpoint --
CHECKPOINT

-- switch_log --
SELECT pg_switch_wal()
