-- alone --
SELECT pg_try_advisory_lock(7595436) AS locked

-- one_moment --
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- moment --
SELECT pg_export_snapshot() AS snapshot, now() AS at, (SELECT version_num FROM alembic_version) AS schema

-- end --
COMMIT

-- tables --
SELECT relname AS name FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
ORDER BY relname

-- rows --
SELECT count(*) AS total FROM {}

-- kept_media --
-- Recordings that stay longer than a day, and those that jobs wait for. The rest is sent again by whoever needs it.
SELECT object FROM media
WHERE bytes IS NOT NULL
  AND EXISTS (SELECT 1 FROM jobs
              WHERE jobs.media_id = media.id
                AND (jobs.keep_until > now() OR jobs.status IN ('pending', 'created', 'running')))
UNION
SELECT object FROM jobs WHERE object IS NOT NULL AND status IN ('pending', 'created', 'running')
ORDER BY object

-- erasures --
-- Ids of the audit sort by time; its index goes by them.
SELECT CASE action WHEN 'speaker.erased' THEN 'person' WHEN 'sample.removed' THEN 'sample'
                   WHEN 'job.erased' THEN 'job' ELSE 'voices' END AS kind,
       id AS entry, team_id AS team, subject, details ->> 'sample' AS part
FROM audit
WHERE action IN ('speaker.erased', 'sample.removed', 'job.erased', 'team_key.forgotten')
  AND (%(since)s::timestamptz IS NULL
       OR id >= (lpad(to_hex((extract(epoch FROM %(since)s::timestamptz) * 1000)::bigint), 12, '0')
                 || '70008000000000000000')::uuid)
UNION ALL
SELECT 'key', id, team_id, id, NULL FROM api_keys
WHERE revoked_at >= coalesce(%(since)s::timestamptz, '-infinity')

-- in_audit --
SELECT id FROM audit WHERE id = ANY(%(ids)s)

-- revoke --
UPDATE api_keys SET revoked_at = now() WHERE id = %(id)s AND team_id = %(team)s AND revoked_at IS NULL RETURNING id

-- anything --
SELECT EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS found

-- restoring --
SELECT EXISTS (SELECT 1 FROM upkeep WHERE task = %(task)s) AS found

-- restored --
DELETE FROM upkeep WHERE task = %(task)s

-- sign_all_out --
WITH links AS (DELETE FROM sign_in_links), of_persons AS (DELETE FROM person_links)
DELETE FROM sessions
