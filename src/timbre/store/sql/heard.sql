-- note --
INSERT INTO heard (job_id, team_id, gallery) VALUES (%(job)s, %(team)s, %(gallery)s)
ON CONFLICT (job_id) DO UPDATE SET gallery = excluded.gallery

-- drop_voices --
DELETE FROM heard_voices WHERE job_id = %(job)s

-- note_voices --
INSERT INTO heard_voices (job_id, team_id, speaker, seconds, turns, starts, named, speaker_id, confidence, decided, checked)
SELECT %(job)s, %(team)s, voice.speaker, voice.seconds, voice.turns, voice.starts, voice.named, person.id,
       voice.confidence, voice.decided, voice.checked
FROM unnest(%(speaker)s::text[], %(seconds)s::real[], %(turns)s::integer[], %(starts)s::real[], %(named)s::boolean[],
            %(person)s::uuid[], %(confidence)s::smallint[], %(decided)s::boolean[], %(checked)s::boolean[])
     AS voice (speaker, seconds, turns, starts, named, person, confidence, decided, checked)
     LEFT JOIN speakers AS person ON person.id = voice.person AND person.team_id = %(team)s

-- unnoted --
SELECT job.id, job.team_id, job.updated_at, output.body
FROM jobs AS job JOIN job_outputs AS output ON output.job_id = job.id
WHERE job.type IN ('diarize', 'identify', 'label') AND NOT EXISTS (SELECT 1 FROM heard WHERE heard.job_id = job.id)
ORDER BY job.id DESC LIMIT 20

-- unchanged --
SELECT 1 FROM jobs WHERE id = %(job)s AND updated_at = %(seen)s FOR NO KEY UPDATE

-- recordings --
-- Where a person is heard, the newest first, with what is known of all of them.
SELECT job.id, job.title, job.type, job.created_at, job.duration, talk.seconds, talk.turns, talk.starts, talk.decided,
       EXISTS (SELECT 1 FROM withdrawn_samples AS withdrawn
               WHERE withdrawn.speaker_id = %(speaker)s AND NOT talk.decided
                 AND heard.gallery >= withdrawn.learned AND heard.gallery < withdrawn.gone) AS doubtful
FROM (SELECT job_id, sum(seconds) AS seconds, sum(turns) AS turns, min(starts) AS starts, bool_and(decided) AS decided
      FROM heard_voices WHERE speaker_id = %(speaker)s GROUP BY job_id) AS talk
     JOIN jobs AS job ON job.id = talk.job_id JOIN heard ON heard.job_id = talk.job_id
WHERE job.team_id = %(team)s AND (%(before)s::uuid IS NULL OR job.id < %(before)s)
ORDER BY job.id DESC LIMIT %(limit)s

-- talk --
SELECT coalesce(sum(seconds), 0) AS seconds, coalesce(sum(turns), 0) AS turns, count(DISTINCT job_id) AS recordings
FROM heard_voices WHERE speaker_id = %(speaker)s AND team_id = %(team)s
