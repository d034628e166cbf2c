-- hold --
-- Whoever ends the attempt waits until what is written is there to be taken away.
SELECT id FROM jobs WHERE id = %(job)s AND attempt = %(attempt)s AND status = 'running' FOR SHARE

-- clear --
DELETE FROM words_so_far WHERE job_id = %(job)s

-- add --
INSERT INTO words_so_far (job_id, first, words) VALUES (%(job)s, %(first)s, %(words)s)

-- after --
SELECT words.number, words.first, words.words
FROM words_so_far AS words JOIN jobs AS job ON job.id = words.job_id
WHERE words.job_id = %(job)s AND job.team_id = %(team)s AND words.number > %(number)s
ORDER BY words.number LIMIT %(most)s
