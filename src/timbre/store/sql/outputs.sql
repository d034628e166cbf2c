-- hold_people --
SELECT id, name FROM speakers WHERE team_id = %(team)s AND id = ANY(%(people)s) ORDER BY id FOR NO KEY UPDATE

-- names --
SELECT id, name FROM speakers WHERE team_id = %(team)s AND id = ANY(%(people)s)

-- outputs --
SELECT body, coalesce(proposal, body) AS proposal FROM job_outputs WHERE job_id = %(job)s

-- proposal --
SELECT coalesce(proposal, body) AS proposal FROM job_outputs WHERE job_id = %(job)s

-- jobs_of --
UPDATE jobs SET updated_at = now()
WHERE id IN (SELECT job.id FROM jobs AS job
             WHERE job.team_id = %(team)s
               AND job.id IN (SELECT job_id FROM job_speakers WHERE speaker_id = ANY(%(people)s))
             ORDER BY job.id FOR NO KEY UPDATE)
RETURNING id

-- hold_output --
SELECT body, coalesce(proposal, body) AS proposal FROM job_outputs WHERE job_id = %(job)s FOR UPDATE

-- replace_output --
UPDATE job_outputs SET body = %(body)s, length = %(length)s, proposal = %(proposal)s WHERE job_id = %(job)s RETURNING job_id

-- replace_what_stands --
-- Of an output that has a proposal already, which stays: it is as large as the rest.
UPDATE job_outputs SET body = %(body)s, length = %(length)s WHERE job_id = %(job)s AND proposal IS NOT NULL RETURNING job_id

-- hold_job --
UPDATE jobs SET updated_at = now() WHERE id = %(job)s AND updated_at = %(seen)s RETURNING id

-- drop_people --
DELETE FROM job_speakers WHERE job_id = %(job)s

-- note_people --
INSERT INTO job_speakers (job_id, speaker_id, named)
SELECT %(job)s, speaker_id, named FROM unnest(%(people)s::uuid[], %(named)s::boolean[]) AS mentioned (speaker_id, named)

-- note_heard --
UPDATE speakers
SET heard_at = greatest(speakers.heard_at, coalesce(job.completed_at, now()))
FROM job_speakers AS mentioned JOIN jobs AS job ON job.id = mentioned.job_id
WHERE mentioned.job_id = %(job)s AND mentioned.named AND speakers.id = mentioned.speaker_id
