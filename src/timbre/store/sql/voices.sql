-- keep --
INSERT INTO job_voices (job_id, team_id, body) VALUES (%(job)s, %(team)s, %(body)s)
ON CONFLICT (job_id) DO UPDATE SET body = excluded.body

-- get --
SELECT body FROM job_voices WHERE job_id = %(job)s AND team_id = %(team)s
