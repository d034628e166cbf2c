-- of --
SELECT job.id, job.team_id, job.key_id, job.params -> 'streamed' AS streamed, output.body
FROM jobs AS job JOIN job_outputs AS output ON output.job_id = job.id
WHERE job.id = %(id)s AND job.params ? 'streamed'

-- waiting --
SELECT job.id, job.team_id, job.key_id, job.params -> 'streamed' AS streamed, output.body
FROM jobs AS job JOIN job_outputs AS output ON output.job_id = job.id
WHERE job.params ? 'streamed' AND job.completed_at BETWEEN now() - interval '1 day' AND now() - interval '1 minute'

-- done --
UPDATE jobs SET params = params - 'streamed' WHERE id = %(id)s
