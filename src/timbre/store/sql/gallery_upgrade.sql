-- standing --
-- People of whom no sample is of the space that the server hears in; whether there is a clip of any.
SELECT person.id, person.name, bool_or(sample.clip IS NOT NULL) AS has_clip
FROM speakers AS person JOIN samples AS sample ON sample.speaker_id = person.id
WHERE person.team_id = %(team)s
GROUP BY person.id
HAVING NOT bool_or(sample.space = %(space)s)
ORDER BY person.id

-- waiting --
SELECT count(*) AS samples FROM samples AS sample
WHERE sample.team_id = %(team)s AND sample.space <> %(space)s AND sample.clip IS NOT NULL

-- run --
SELECT id, space, without_them, done, total, asked_at, alive_at, ended_at, error
FROM gallery_upgrades WHERE team_id = %(team)s

-- alive --
SELECT id FROM gallery_upgrades AS run
WHERE id = %(id)s
  AND (alive_at > now() - make_interval(secs => %(silence)s)
       OR EXISTS (SELECT FROM procrastinate_jobs AS entry
                  WHERE entry.task_name = 'upgrade' AND entry.status = 'todo' AND entry.args ->> 'run' = run.id::text))

-- hold --
SELECT id FROM teams WHERE id = %(team)s FOR NO KEY UPDATE

-- going_on --
SELECT id FROM gallery_upgrades
WHERE team_id = %(team)s AND ended_at IS NULL AND alive_at > now() - make_interval(secs => %(silence)s)

-- ask --
INSERT INTO gallery_upgrades (team_id, id, key_id, space, without_them)
VALUES (%(team)s, %(id)s, %(key)s, %(space)s, %(without_them)s)
ON CONFLICT (team_id) DO UPDATE
SET id = excluded.id, key_id = excluded.key_id, space = excluded.space, without_them = excluded.without_them,
    done = 0, total = 0, asked_at = now(), alive_at = now(), ended_at = NULL, error = NULL

-- begin --
UPDATE gallery_upgrades SET alive_at = now() WHERE id = %(id)s AND ended_at IS NULL
RETURNING team_id, key_id, space, without_them

-- report --
UPDATE gallery_upgrades SET done = %(done)s, total = %(total)s, alive_at = now()
WHERE id = %(id)s AND ended_at IS NULL
RETURNING id

-- end --
UPDATE gallery_upgrades SET alive_at = now(), ended_at = now(), error = %(error)s
WHERE id = %(id)s AND ended_at IS NULL
RETURNING id

-- take_up --
-- Runs that nobody was heard of for a while and no entry waits for.
UPDATE gallery_upgrades AS run SET id = gen_random_uuid(), alive_at = now()
WHERE ended_at IS NULL AND alive_at < now() - make_interval(secs => %(silence)s)
  AND NOT EXISTS (SELECT FROM procrastinate_jobs AS entry
                  WHERE entry.task_name = 'upgrade' AND entry.status = 'todo' AND entry.args ->> 'run' = run.id::text)
RETURNING id, team_id

-- drop_others --
DELETE FROM sample_successors WHERE team_id = %(team)s AND space <> %(space)s

-- next --
SELECT sample.id, sample.template, sample.clip
FROM samples AS sample
WHERE sample.team_id = %(team)s AND sample.space <> %(space)s AND sample.clip IS NOT NULL
  AND sample.id <> ALL (%(unusable)s)
  AND NOT EXISTS (SELECT FROM sample_successors AS made WHERE made.sample_id = sample.id)
ORDER BY sample.id LIMIT %(limit)s

-- numbers --
SELECT count(*) AS total, count(made.sample_id) AS done
FROM samples AS sample LEFT JOIN sample_successors AS made ON made.sample_id = sample.id
WHERE sample.team_id = %(team)s AND sample.space <> %(space)s AND sample.clip IS NOT NULL

-- keep --
INSERT INTO sample_successors (sample_id, team_id, space, seconds, template)
SELECT id, team_id, %(space)s, %(seconds)s, %(template)s FROM samples
WHERE id = %(sample)s AND team_id = %(team)s FOR KEY SHARE
ON CONFLICT (sample_id) DO NOTHING

-- behind --
SELECT person.id, person.name
FROM speakers AS person JOIN samples AS sample ON sample.speaker_id = person.id
LEFT JOIN sample_successors AS made ON made.sample_id = sample.id
WHERE person.team_id = %(team)s
GROUP BY person.id
HAVING NOT bool_or(sample.space = %(space)s OR made.sample_id IS NOT NULL)
ORDER BY person.id

-- succeed --
UPDATE samples AS sample SET space = made.space, seconds = made.seconds, template = made.template
FROM sample_successors AS made
WHERE made.sample_id = sample.id AND made.team_id = %(team)s AND made.space = %(space)s

-- clear --
DELETE FROM sample_successors WHERE team_id = %(team)s

-- drop_vectors --
DELETE FROM speaker_vectors WHERE team_id = %(team)s

-- people --
SELECT DISTINCT speaker_id AS id FROM samples WHERE team_id = %(team)s AND space = %(space)s ORDER BY speaker_id

-- templates --
SELECT id, speaker_id, template FROM samples
WHERE speaker_id = ANY (%(people)s) AND team_id = %(team)s AND space = %(space)s ORDER BY id

-- keep_vectors --
INSERT INTO speaker_vectors (speaker_id, team_id, space, vector)
SELECT speaker, %(team)s, %(space)s, vector::halfvec
FROM unnest(%(speakers)s::uuid[], %(vectors)s::text[]) AS mean (speaker, vector)

-- move --
UPDATE teams SET gallery_space = %(space)s, gallery_version = gallery_version + 1 WHERE id = %(team)s
