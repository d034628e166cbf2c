-- alone --
SELECT pg_try_advisory_xact_lock(7595435) AS locked

-- drop_outputs --
-- With all that is kept beside them. Jobs that are just being changed are left to the next sweep.
WITH expired AS (SELECT job.id
                 FROM jobs AS job JOIN job_outputs AS output ON output.job_id = job.id
                 WHERE job.keep_until < now()
                    OR job.keep_until IS NULL AND job.completed_at < now() - make_interval(secs => %(seconds)s)
                 FOR NO KEY UPDATE OF job SKIP LOCKED),
     voices AS (DELETE FROM job_voices USING expired WHERE job_voices.job_id = expired.id),
     heard AS (DELETE FROM heard USING expired WHERE heard.job_id = expired.id),
     decided AS (DELETE FROM job_decisions USING expired WHERE job_decisions.job_id = expired.id),
     people AS (DELETE FROM job_speakers USING expired WHERE job_speakers.job_id = expired.id)
DELETE FROM job_outputs AS output USING expired WHERE output.job_id = expired.id

-- drop_jobs --
DELETE FROM jobs
WHERE completed_at < now() - make_interval(secs => %(seconds)s) AND (keep_until IS NULL OR keep_until < now())

-- drop_idempotency_keys --
DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'

-- drop_secrets --
DELETE FROM webhook_secrets WHERE expires_at < now()

-- expired_media --
SELECT media.id, media.object FROM media
WHERE (media.expires_at < now()
       OR (media.bytes IS NOT NULL AND EXISTS (
             SELECT 1 FROM media AS newer
             WHERE newer.team_id = media.team_id AND newer.key = media.key AND newer.id > media.id
               AND newer.bytes IS NOT NULL)))
  AND NOT EXISTS (SELECT 1 FROM jobs
                  WHERE jobs.media_id = media.id
                    AND (jobs.keep_until > now() OR jobs.status IN ('pending', 'created', 'running')))
  -- A job that came before its recording takes the version that is there when it is heard.
  AND NOT EXISTS (SELECT 1 FROM jobs
                  WHERE jobs.media_id IS NULL AND jobs.team_id = media.team_id
                    AND jobs.params ->> 'url' = 'media://' || media.key
                    AND jobs.status = 'running')
LIMIT 1000

-- drop_media --
DELETE FROM media WHERE id = %(id)s

-- left_objects --
SELECT id, object FROM jobs
WHERE object IS NOT NULL AND status IN ('succeeded', 'failed', 'canceled')
LIMIT 1000

-- known_objects --
SELECT object FROM media WHERE object = ANY(%(objects)s)
UNION ALL SELECT object FROM jobs WHERE object = ANY(%(objects)s)
