-- matches --
-- Names that the machine gave and nobody has looked at; those first that stand on a sample that is gone.
SELECT voice.job_id, job.title, job.created_at, job.revision, voice.speaker, voice.seconds, voice.starts,
       voice.confidence, person.id AS speaker_id, person.name,
       EXISTS (SELECT 1 FROM withdrawn_samples AS withdrawn
               WHERE withdrawn.speaker_id = person.id AND heard.gallery >= withdrawn.learned
                 AND heard.gallery < withdrawn.gone) AS doubtful,
       count(*) OVER () AS total
FROM heard_voices AS voice JOIN heard ON heard.job_id = voice.job_id
     JOIN jobs AS job ON job.id = voice.job_id JOIN speakers AS person ON person.id = voice.speaker_id
WHERE voice.team_id = %(team)s AND NOT voice.decided AND NOT voice.checked
ORDER BY doubtful DESC, voice.confidence DESC NULLS LAST, voice.job_id DESC, voice.speaker LIMIT %(limit)s

-- strangers --
-- The newest voices that nobody has named, and that can be compared.
SELECT voice.job_id, voice.speaker
FROM heard_voices AS voice JOIN job_voices AS kept ON kept.job_id = voice.job_id AND kept.space = %(space)s
WHERE voice.team_id = %(team)s AND NOT voice.decided AND NOT voice.named AND NOT voice.checked
ORDER BY voice.job_id DESC, voice.speaker LIMIT %(limit)s

-- voices --
SELECT voice.job_id, voice.speaker, voice.seconds, voice.starts, job.title, job.created_at, job.revision
FROM heard_voices AS voice JOIN jobs AS job ON job.id = voice.job_id
WHERE voice.team_id = %(team)s AND voice.job_id = ANY(%(jobs)s)

-- rejected --
SELECT job_id, body ->> 'voice' AS speaker, speaker_id FROM job_decisions
WHERE team_id = %(team)s AND job_id = ANY(%(jobs)s) AND kind = 'reject' AND speaker_id IS NOT NULL

-- voice --
SELECT job.revision, voice.decided, voice.speaker_id, person.name
FROM jobs AS job LEFT JOIN heard_voices AS voice ON voice.job_id = job.id AND voice.speaker = %(speaker)s
     LEFT JOIN speakers AS person ON person.id = voice.speaker_id
WHERE job.id = %(job)s AND job.team_id = %(team)s

-- latest --
-- The version of the gallery that last changed whom a voice sounds like.
SELECT greatest((SELECT max(version) FROM samples WHERE team_id = %(team)s),
                (SELECT max(gone) FROM withdrawn_samples WHERE team_id = %(team)s), 0) AS version

-- affected --
-- Recordings that were named by other people than there are now, and can be named again.
SELECT heard.job_id, count(*) OVER () AS total
FROM heard JOIN job_voices AS kept ON kept.job_id = heard.job_id AND kept.space = %(space)s
WHERE heard.team_id = %(team)s AND heard.gallery < %(version)s
  AND EXISTS (SELECT 1 FROM heard_voices AS voice WHERE voice.job_id = heard.job_id AND NOT voice.decided)
  AND (%(speaker)s::uuid IS NULL
       OR EXISTS (SELECT 1 FROM heard_voices AS voice JOIN withdrawn_samples AS withdrawn USING (speaker_id)
                  WHERE voice.job_id = heard.job_id AND voice.speaker_id = %(speaker)s AND NOT voice.decided
                    AND heard.gallery >= withdrawn.learned AND heard.gallery < withdrawn.gone))
ORDER BY heard.job_id DESC LIMIT %(limit)s

-- pass_over --
UPDATE heard SET gallery = NULL WHERE job_id = %(job)s

-- who --
SELECT coalesce(string_agg(concat(speaker, ' ', speaker_id), ',' ORDER BY speaker), '') AS names
FROM heard_voices WHERE job_id = %(job)s
