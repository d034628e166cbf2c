-- create --
INSERT INTO jobs (id, team_id, key_id, type, model, params, warning, title, tags, source, media_id)
VALUES (%(id)s, %(team)s, %(key)s, %(type)s, %(model)s, %(params)s, %(warning)s, %(title)s, %(tags)s, %(source)s,
        (SELECT media.id FROM media WHERE media.id = %(media)s::uuid FOR KEY SHARE))

-- claim_idempotency_key --
INSERT INTO idempotency_keys (team_id, key, digest, job_id) VALUES (%(team)s, %(key)s, %(digest)s, %(job)s)
ON CONFLICT DO NOTHING
RETURNING job_id

-- idempotency_key --
SELECT entry.digest, entry.job_id, job.warning
FROM idempotency_keys AS entry JOIN jobs AS job ON job.id = entry.job_id
WHERE entry.team_id = %(team)s AND entry.key = %(key)s

-- get --
SELECT job.id, job.type, job.model, job.status, job.stage, job.progress, job.duration, job.warning, job.error,
       job.attempt, job.title, job.kept, job.tags, job.source, job.revision, nullif(job.keep_until, 'infinity') AS goes_at,
       job.keep_until IS NOT DISTINCT FROM 'infinity' AS stays, job.created_at, job.updated_at, job.started_at, job.completed_at,
       EXISTS (SELECT 1 FROM job_voices AS voices WHERE voices.job_id = job.id) AS has_voices,
       EXISTS (SELECT 1 FROM media
               WHERE media.id = job.media_id AND media.bytes IS NOT NULL
                 AND (media.expires_at > now() OR job.keep_until > now())) AS has_audio,
       CASE WHEN job.status IN ('pending', 'created') THEN
           -- As many of each team as come before the turn that is its own: see `take_turn`.
           (SELECT sum(least(other.entries, own.before + CASE WHEN other.taken < own.taken THEN 1 ELSE 0 END))::bigint
            FROM (SELECT entry.id, entry.queue_name, team_of(entry) AS team, coalesce(turns.taken, 0) AS taken,
                         (SELECT count(*) FROM procrastinate_jobs AS earlier
                          WHERE earlier.queue_name = entry.queue_name AND earlier.status = 'todo'
                            AND team_of(earlier) = team_of(entry)
                            AND (-earlier.priority, earlier.id) < (-entry.priority, entry.id)) AS before
                  FROM procrastinate_jobs AS entry
                  LEFT JOIN turns ON turns.lane = entry.queue_name AND turns.team = team_of(entry)
                  WHERE entry.status = 'todo' AND entry.args ->> 'job' = job.id::text LIMIT 1) AS own
            JOIN LATERAL (SELECT count(*) AS entries, coalesce(turns.taken, 0) AS taken
                          FROM procrastinate_jobs AS entry
                          LEFT JOIN turns ON turns.lane = entry.queue_name AND turns.team = team_of(entry)
                          WHERE entry.queue_name = own.queue_name AND entry.status = 'todo'
                          GROUP BY team_of(entry), turns.taken) AS other ON true)
       END AS ahead
FROM jobs AS job WHERE job.id = %(id)s AND job.team_id = %(team)s

-- page --
SELECT job.id, job.type, job.model, job.status, job.duration, job.error, job.title, job.kept, job.tags, job.source,
       job.created_at, job.completed_at, job.warning, nullif(job.keep_until, 'infinity') AS goes_at,
       job.keep_until IS NOT DISTINCT FROM 'infinity' AS stays,
       EXISTS (SELECT 1 FROM job_outputs AS output WHERE output.job_id = job.id) AS has_output,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('speakerId', person.id, 'name', person.name) ORDER BY person.name),
                        '[]')
        FROM job_speakers AS mentioned JOIN speakers AS person ON person.id = mentioned.speaker_id
        WHERE mentioned.job_id = job.id AND mentioned.named) AS speakers,
       voices.voices, voices.unnamed, voices.unchecked
FROM jobs AS job LEFT JOIN LATERAL (
         SELECT count(*) AS voices, count(*) FILTER (WHERE NOT named AND NOT decided) AS unnamed,
                count(*) FILTER (WHERE NOT checked) AS unchecked
         FROM heard_voices WHERE heard_voices.job_id = job.id) AS voices ON true
WHERE job.team_id = %(team)s
  AND (%(status)s::text IS NULL OR job.status = %(status)s)
  AND (%(before)s::uuid IS NULL OR {after})
  AND (%(speaker)s::uuid IS NULL
       OR job.id IN (SELECT job_id FROM job_speakers WHERE speaker_id = %(speaker)s AND named))
  AND (%(part)s::text IS NULL OR position(folded(%(part)s) IN folded(job.title)) > 0)
  AND (%(types)s::text[] IS NULL OR job.type = ANY(%(types)s))
  AND (%(tag)s::text IS NULL OR job.tags @> ARRAY[%(tag)s::text])
  AND (%(since)s::timestamptz IS NULL OR job.created_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR job.created_at < %(until)s)
  AND (NOT %(unnamed)s OR EXISTS (SELECT 1 FROM heard_voices AS voice
                                  WHERE voice.job_id = job.id AND NOT voice.named AND NOT voice.decided))
  AND (NOT %(unchecked)s OR EXISTS (SELECT 1 FROM heard_voices AS voice
                                    WHERE voice.job_id = job.id AND NOT voice.checked))
ORDER BY {order} LIMIT %(limit)s

-- order_newest --
job.id DESC

-- after_newest --
job.id < %(before)s

-- order_oldest --
job.id

-- after_oldest --
job.id > %(before)s

-- order_title --
folded(coalesce(job.title, '')), job.id

-- after_title --
(folded(coalesce(job.title, '')), job.id) >
(SELECT folded(coalesce(last.title, '')), last.id FROM jobs AS last WHERE last.id = %(before)s AND last.team_id = %(team)s)

-- order_longest --
coalesce(job.duration, 0) DESC, job.id DESC

-- after_longest --
(coalesce(job.duration, 0), job.id) <
(SELECT coalesce(last.duration, 0), last.id FROM jobs AS last WHERE last.id = %(before)s AND last.team_id = %(team)s)

-- tags --
SELECT tag, count(*) AS jobs FROM jobs CROSS JOIN LATERAL unnest(tags) AS tag
WHERE team_id = %(team)s GROUP BY tag ORDER BY folded(tag), tag

-- change --
UPDATE jobs
SET kept = coalesce(%(kept)s::boolean, kept), title = CASE WHEN %(titled)s THEN %(title)s ELSE title END,
    tags = coalesce(%(tags)s::text[], tags), updated_at = now()
WHERE id = %(id)s AND team_id = %(team)s
RETURNING id

-- change_many --
UPDATE jobs
SET kept = coalesce(%(kept)s::boolean, kept), updated_at = now(),
    tags = (SELECT coalesce(array_agg(tag ORDER BY place), '{}')
            FROM (SELECT tag, min(place) AS place FROM unnest(tags || %(add)s::text[]) WITH ORDINALITY AS every (tag, place)
                  WHERE tag <> ALL(%(remove)s::text[]) GROUP BY tag) AS distinct_)
WHERE id IN (SELECT held.id FROM jobs AS held WHERE held.id = ANY(%(ids)s) AND held.team_id = %(team)s
             ORDER BY held.id FOR NO KEY UPDATE)
RETURNING id, cardinality(tags) AS tags

-- recording --
SELECT media.id, media.object, media.bytes
FROM jobs AS job JOIN media ON media.id = job.media_id
WHERE job.id = %(id)s AND media.bytes IS NOT NULL AND (media.expires_at > now() OR job.keep_until > now())

-- peaks --
SELECT peaks FROM job_outputs WHERE job_id = %(id)s

-- page_by_offset --
SELECT id, status, created_at
FROM jobs
WHERE team_id = %(team)s AND (%(status)s::text IS NULL OR status = %(status)s)
ORDER BY id DESC LIMIT %(take)s OFFSET %(skip)s

-- count --
SELECT count(*) AS total FROM jobs
WHERE team_id = %(team)s AND (%(status)s::text IS NULL OR status = %(status)s)

-- begin --
UPDATE jobs
SET status = 'running', attempt = attempt + 1, unfinished = unfinished + 1, stage = %(stage)s, progress = 0,
    worker = %(worker)s, started_at = coalesce(started_at, now()), updated_at = now(), alive_at = now()
WHERE id = %(id)s AND status IN ('pending', 'created', 'running')
  AND (%(stage)s <> 'fetching' OR object IS NULL)  -- what has been fetched already is on its way to be heard
RETURNING id, team_id, key_id, type, model, params, media_id, object, attempt, unfinished

-- report --
UPDATE jobs SET stage = %(stage)s, progress = %(progress)s, updated_at = now(), alive_at = now()
WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running'
RETURNING id

-- keep_alive --
UPDATE jobs SET alive_at = now()
-- An attempt that is just ending its job has not lost it.
WHERE id = %(id)s AND attempt = %(attempt)s AND status IN ('running', 'succeeded', 'failed')
RETURNING id

-- blame --
UPDATE jobs SET unfinished = unfinished + %(more)s, alive_at = now()
WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running'
RETURNING id

-- pause --
UPDATE jobs
SET status = 'created', stage = NULL, progress = 0, unfinished = unfinished - 1, updated_at = now(), alive_at = now()
WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running'
RETURNING id

-- break_off --
UPDATE jobs
SET status = 'created', stage = NULL, progress = 0, updated_at = now(), alive_at = now()
WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running' AND unfinished < %(most)s
RETURNING id

-- hand_over --
UPDATE jobs
SET object = %(object)s, object_bytes = %(bytes)s, unfinished = unfinished - 1, updated_at = now(), alive_at = now()
WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running' AND object IS NULL
RETURNING id

-- handed_over --
SELECT id FROM jobs WHERE id = %(id)s AND object = %(object)s

-- finish --
UPDATE jobs
SET status = %(status)s, stage = NULL, progress = CASE WHEN %(status)s = 'succeeded' THEN 1 ELSE progress END,
    duration = coalesce(%(duration)s, duration), error = %(error)s,
    warning = nullif(concat_ws('; ', warning, %(warning)s::text), ''),
    params = params - '{voiceprints,transcript,url,references}'::text[]
             - CASE WHEN %(status)s = 'failed' THEN 'streamed' ELSE '' END,
    updated_at = now(), completed_at = now()
WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running'
RETURNING id, team_id, key_id, type, params, object

-- cancel --
UPDATE jobs
SET status = 'canceled', stage = NULL, error = %(error)s,
    params = params - '{voiceprints,transcript,url,references,streamed}'::text[],
    updated_at = now(), completed_at = now()
WHERE id = %(id)s AND team_id = %(team)s AND status IN ('pending', 'created', 'running')
RETURNING id, team_id, key_id, type, params, object

-- drop_waiting --
DELETE FROM procrastinate_jobs WHERE status = 'todo' AND args ->> 'job' = %(job)s

-- erase --
DELETE FROM jobs
WHERE id = %(id)s AND team_id = %(team)s
  AND (status IN ('succeeded', 'failed') OR status = 'canceled' AND %(canceled)s)
RETURNING id, object

-- was_canceled --
SELECT id FROM jobs WHERE id = %(id)s AND team_id = %(team)s AND status = 'canceled'

-- keep_output --
INSERT INTO job_outputs (job_id, body, length, peaks) VALUES (%(job)s, %(body)s, %(length)s, %(peaks)s)

-- output --
SELECT output.body, output.length FROM job_outputs AS output WHERE output.job_id = %(id)s

-- forget_object --
UPDATE jobs SET object = NULL WHERE id = %(id)s AND object = %(object)s

-- unfinished_counts --
SELECT status, count(*) AS total FROM jobs WHERE status IN ('pending', 'created', 'running') GROUP BY status

-- forgotten --
UPDATE jobs AS job SET alive_at = now()
WHERE job.id IN (SELECT silent.id FROM jobs AS silent
                 WHERE silent.status IN ('pending', 'created', 'running')
                   AND (silent.alive_at < now() - make_interval(secs => %(silence)s)
                     OR silent.alive_at > now() + make_interval(secs => %(silence)s))  -- the clock was set back
                   AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS entry
                                   WHERE entry.args ->> 'job' = silent.id::text
                                     AND (entry.status = 'todo'
                                       OR entry.status = 'doing'  -- taken just now, after a long wait
                                      AND silent.alive_at > '-infinity'
                                      AND EXISTS (SELECT 1 FROM procrastinate_events AS event
                                                  WHERE event.job_id = entry.id AND event.type = 'started'
                                                    AND event.at BETWEEN now() - make_interval(secs => %(silence)s)
                                                                     AND now() + make_interval(secs => %(silence)s))))
                 ORDER BY silent.id LIMIT 1000 FOR UPDATE SKIP LOCKED)
RETURNING job.id, job.team_id, job.type, job.object, job.media_id, job.params ->> 'url' AS url,
          (SELECT bytes FROM media WHERE media.id = job.media_id) AS bytes

-- drop_entries --
DELETE FROM procrastinate_jobs WHERE status = 'doing' AND args ->> 'job' = %(job)s
RETURNING queue_name AS lane, task_name AS task

-- abandon_worker --
WITH gone AS (DELETE FROM workers WHERE name = %(worker)s)
UPDATE jobs SET alive_at = '-infinity' WHERE status = 'running' AND worker = %(worker)s

-- abandon_all --
WITH gone AS (DELETE FROM procrastinate_workers), dead AS (DELETE FROM workers)
UPDATE jobs SET alive_at = '-infinity'
WHERE status = 'running'
   OR status IN ('pending', 'created') AND EXISTS (SELECT 1 FROM procrastinate_jobs AS entry
                                                   WHERE entry.status = 'doing'
                                                     AND entry.args ->> 'job' = jobs.id::text)
