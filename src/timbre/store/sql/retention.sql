-- alone --
SELECT pg_try_advisory_xact_lock(7595435) AS locked

-- drop_outputs --
DELETE FROM job_outputs AS output USING jobs AS job
WHERE job.id = output.job_id AND job.completed_at < now() - make_interval(secs => %(seconds)s)

-- drop_jobs --
DELETE FROM jobs WHERE completed_at < now() - make_interval(secs => %(seconds)s)

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
                  WHERE jobs.media_id = media.id AND jobs.status IN ('pending', 'created', 'running'))
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
