-- rules --
SELECT source, tag, days FROM keeping_rules WHERE team_id = %(team)s ORDER BY source, folded(tag), tag

-- hold --
SELECT id FROM teams WHERE id = %(team)s FOR NO KEY UPDATE

-- drop --
DELETE FROM keeping_rules WHERE team_id = %(team)s AND (source = %(source)s OR tag = %(tag)s)

-- add --
INSERT INTO keeping_rules (team_id, source, tag, days) VALUES (%(team)s, %(source)s, %(tag)s, %(days)s)

-- apply --
UPDATE jobs SET keep_until = kept_until(jobs)
WHERE team_id = %(team)s AND status = 'succeeded' AND keep_until IS DISTINCT FROM kept_until(jobs)

-- over --
SELECT count(*) AS recordings
FROM jobs AS job JOIN job_outputs AS output ON output.job_id = job.id
WHERE job.team_id = %(team)s
  AND (job.keep_until < now()
    OR job.keep_until IS NULL AND job.completed_at < now() - make_interval(secs => %(seconds)s))
