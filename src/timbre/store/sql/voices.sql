-- keep --
INSERT INTO job_voices (job_id, team_id, body, vectors, space)
VALUES (%(job)s, %(team)s, %(body)s, %(vectors)s, %(space)s)
ON CONFLICT (job_id) DO UPDATE SET body = excluded.body, vectors = excluded.vectors, space = excluded.space

-- get --
SELECT body FROM job_voices WHERE job_id = %(job)s AND team_id = %(team)s

-- without_vectors --
SELECT job_id, team_id, body FROM job_voices WHERE vectors IS NULL LIMIT 50

-- vectors --
SELECT job_id, vectors FROM job_voices WHERE team_id = %(team)s AND job_id = ANY(%(jobs)s) AND space = %(space)s

-- note_vectors --
UPDATE job_voices SET vectors = %(vectors)s, space = %(space)s WHERE job_id = %(job)s AND body = %(body)s
