-- log --
SELECT entry.revision, entry.kind, entry.body, entry.speaker_id, entry.at, coalesce(entry.display_name, key.name) AS by
FROM job_decisions AS entry LEFT JOIN api_keys AS key ON key.id = entry.key_id
WHERE entry.job_id = %(job)s ORDER BY entry.revision

-- add --
INSERT INTO job_decisions (job_id, revision, team_id, kind, body, speaker_id, key_id, display_name, once_key, once_digest)
VALUES (%(job)s, %(revision)s, %(team)s, %(kind)s, %(body)s, %(speaker)s, %(key)s, %(by)s, %(once)s, %(digest)s)

-- once --
SELECT revision, once_digest AS digest FROM job_decisions WHERE job_id = %(job)s AND once_key = %(once)s

-- hold_job --
UPDATE jobs SET updated_at = now(), revision = %(revision)s
WHERE id = %(job)s AND updated_at = %(seen)s
RETURNING id, team_id, params

-- forget --
-- Also the name alone, which a naming keeps whose person went with it when it was undone.
UPDATE job_decisions AS entry
SET speaker_id = NULLIF(entry.speaker_id, %(speaker)s), body = entry.body - 'create'
WHERE entry.team_id = %(team)s
  AND (entry.speaker_id = %(speaker)s
       OR entry.body ? 'create' AND lower(entry.body -> 'create' ->> 'name') =
          (SELECT lower(name) FROM speakers WHERE id = %(speaker)s))

-- move --
UPDATE job_decisions SET speaker_id = %(into)s, body = body - 'create'
WHERE team_id = %(team)s AND speaker_id = ANY(%(speakers)s)

-- forget_undone --
-- What nobody can redo any more keeps no name.
UPDATE job_decisions SET body = body - 'create'
WHERE job_id = %(job)s AND revision = ANY(%(revisions)s) AND body ? 'create'

-- bare --
-- Of some people, those of whom nothing is known but their names: no sample, and no other result that mentions them.
SELECT person.id
FROM speakers AS person
WHERE person.team_id = %(team)s AND person.id = ANY(%(people)s) AND person.tags = '{}' AND person.review_on IS NULL
  AND NOT EXISTS (SELECT 1 FROM samples WHERE samples.speaker_id = person.id)
  AND NOT EXISTS (SELECT 1 FROM job_speakers AS mentioned
                  WHERE mentioned.speaker_id = person.id AND mentioned.job_id <> %(job)s)
  AND NOT EXISTS (SELECT 1 FROM job_decisions AS entry
                  WHERE entry.speaker_id = person.id AND entry.job_id <> %(job)s)
