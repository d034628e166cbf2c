-- hold --
SELECT gallery_version FROM teams WHERE id = %(team)s FOR NO KEY UPDATE

-- raise_version --
UPDATE teams SET gallery_version = gallery_version + 1 WHERE id = %(team)s

-- version --
SELECT gallery_version FROM teams WHERE id = %(team)s

-- spaces --
-- Those that people are compared in: the gallery's own first, then the one the server hears in, then the fullest.
SELECT size.space
FROM gallery_sizes AS size JOIN teams AS team ON team.id = size.team_id
WHERE size.team_id = %(team)s AND size.people > 0
ORDER BY size.space IS NOT DISTINCT FROM team.gallery_space DESC, size.space = %(own)s DESC, size.people DESC,
         size.space

-- settle --
UPDATE teams SET gallery_space = %(space)s WHERE id = %(team)s AND gallery_space IS DISTINCT FROM %(space)s

-- create --
INSERT INTO speakers (id, team_id, name, tags, consent, review_on)
VALUES (%(id)s, %(team)s, %(name)s, %(tags)s, %(consent)s, %(review_on)s)
ON CONFLICT DO NOTHING
RETURNING id

-- get --
SELECT id, name, tags, consent, review_on, created_at, updated_at, heard_at
FROM speakers WHERE id = %(id)s AND team_id = %(team)s

-- named --
SELECT id, name, tags, consent, review_on, created_at, updated_at, heard_at
FROM speakers WHERE team_id = %(team)s AND lower(name) = lower(%(name)s)

-- page --
SELECT id, name, tags, consent, review_on, created_at, updated_at, heard_at
FROM speakers
WHERE team_id = %(team)s
  AND (%(before)s::uuid IS NULL OR id < %(before)s)
  AND (%(tag)s::text IS NULL OR tags @> ARRAY[%(tag)s::text])
  AND (%(part)s::text IS NULL OR position(folded(%(part)s) IN folded(name)) > 0)
ORDER BY id DESC LIMIT %(limit)s

-- walk --
SELECT id, name, tags, consent, review_on, created_at, updated_at, heard_at
FROM speakers
WHERE team_id = %(team)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(limit)s

-- count --
SELECT count(*) AS total
FROM speakers
WHERE team_id = %(team)s
  AND (%(tag)s::text IS NULL OR tags @> ARRAY[%(tag)s::text])
  AND (%(part)s::text IS NULL OR position(folded(%(part)s) IN folded(name)) > 0)

-- change --
UPDATE speakers AS person
SET name = %(name)s, tags = %(tags)s, consent = %(consent)s, review_on = %(review_on)s, updated_at = now()
WHERE person.id = %(id)s
  AND NOT EXISTS (SELECT 1 FROM speakers AS other
                  WHERE other.team_id = %(team)s AND lower(other.name) = lower(%(name)s) AND other.id <> %(id)s)
RETURNING person.id

-- touch --
UPDATE speakers SET updated_at = now() WHERE id = %(id)s

-- erase --
DELETE FROM speakers WHERE team_id = %(team)s AND id = ANY(%(ids)s)

-- samples --
SELECT sample.id, sample.speaker_id, sample.source, sample.job_id, job.title AS job_title, sample.space, sample.seconds,
       sample.telephone, sample.quality, sample.clip IS NOT NULL AS has_clip, sample.created_at
FROM samples AS sample LEFT JOIN jobs AS job ON job.id = sample.job_id
WHERE sample.speaker_id = ANY(%(ids)s) ORDER BY sample.id

-- templates --
SELECT id, template FROM samples WHERE speaker_id = %(speaker)s AND space = %(space)s ORDER BY id

-- templates_of_team --
SELECT sample.id, sample.speaker_id, person.name, sample.template
FROM samples AS sample JOIN speakers AS person ON person.id = sample.speaker_id
WHERE sample.speaker_id = ANY(%(ids)s) AND person.team_id = %(team)s AND sample.space = %(space)s
ORDER BY sample.id

-- all_templates --
SELECT sample.id, sample.template
FROM samples AS sample JOIN speakers AS person ON person.id = sample.speaker_id
WHERE sample.speaker_id = ANY(%(ids)s) AND person.team_id = %(team)s
ORDER BY sample.id

-- any_sample --
SELECT id FROM samples WHERE speaker_id = %(speaker)s AND space = %(space)s LIMIT 1

-- add_sample --
INSERT INTO samples (id, speaker_id, team_id, source, job_id, decision, space, seconds, telephone, quality, template, clip,
                     created_at, version)
VALUES (%(id)s, %(speaker)s, %(team)s, %(source)s, (SELECT id FROM jobs WHERE id = %(job)s AND team_id = %(team)s FOR KEY SHARE), %(decision)s, %(space)s,
        %(seconds)s, %(telephone)s, %(quality)s, %(template)s, %(clip)s,
        coalesce(%(created_at)s, now()),
        (SELECT gallery_version + 1 FROM teams WHERE teams.id = %(team)s))

-- remove_sample --
WITH gone AS (DELETE FROM samples WHERE id = %(id)s AND speaker_id = %(speaker)s AND team_id = %(team)s
              RETURNING speaker_id, space, version, team_id),
     noted AS (INSERT INTO withdrawn_samples (speaker_id, team_id, learned, gone)
               SELECT speaker_id, team_id, version, (SELECT gallery_version + 1 FROM teams WHERE id = gone.team_id) FROM gone)
SELECT space FROM gone

-- withdraw_samples --
WITH gone AS (DELETE FROM samples WHERE job_id = %(job)s AND team_id = %(team)s AND decision = ANY(%(decisions)s)
              RETURNING speaker_id, space, version, team_id),
     noted AS (INSERT INTO withdrawn_samples (speaker_id, team_id, learned, gone)
               SELECT speaker_id, team_id, version, (SELECT gallery_version + 1 FROM teams WHERE id = gone.team_id) FROM gone)
SELECT speaker_id, space FROM gone

-- remove_samples --
DELETE FROM samples WHERE id = ANY(%(ids)s)

-- clip --
SELECT clip FROM samples WHERE id = %(id)s AND speaker_id = %(speaker)s AND team_id = %(team)s

-- dimension --
SELECT vector_dims(vector) AS dimension FROM speaker_vectors WHERE team_id = %(team)s AND space = %(space)s LIMIT 1

-- keep_vector --
INSERT INTO speaker_vectors (speaker_id, team_id, space, vector)
VALUES (%(speaker)s, %(team)s, %(space)s, %(vector)s::text::halfvec)
ON CONFLICT (speaker_id, space) DO UPDATE SET vector = excluded.vector

-- drop_vector --
DELETE FROM speaker_vectors WHERE speaker_id = %(speaker)s AND space = %(space)s

-- move_samples --
UPDATE samples SET speaker_id = %(into)s WHERE speaker_id = ANY(%(ids)s)

-- move_withdrawn --
UPDATE withdrawn_samples SET speaker_id = %(into)s WHERE speaker_id = ANY(%(ids)s)

-- move_jobs --
INSERT INTO job_speakers (job_id, speaker_id, named)  -- of those whose output is gone
SELECT job_id, %(into)s::uuid, bool_or(named) FROM job_speakers WHERE speaker_id = ANY(%(ids)s) GROUP BY job_id
ON CONFLICT DO NOTHING

-- join --
UPDATE speakers AS person
SET tags = %(tags)s, consent = %(consent)s, review_on = %(review_on)s, heard_at = %(heard_at)s, updated_at = now()
WHERE person.id = %(id)s

-- vectors --
SELECT person.id, person.name, entry.vector::text
FROM speakers AS person JOIN speaker_vectors AS entry ON entry.speaker_id = person.id AND entry.space = %(space)s
WHERE person.team_id = %(team)s
ORDER BY person.id DESC LIMIT %(limit)s
