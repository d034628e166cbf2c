-- team_key --
SELECT wrapped, master FROM team_keys WHERE team_id = %(team)s

-- hold_team_key --
SELECT wrapped, master FROM team_keys WHERE team_id = %(team)s FOR SHARE

-- make_team_key --
INSERT INTO team_keys (team_id, wrapped, master) VALUES (%(team)s, %(wrapped)s, %(master)s) ON CONFLICT DO NOTHING

-- write_team_keys --
LOCK TABLE team_keys IN ROW EXCLUSIVE MODE

-- see_one_moment --
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- anything_sealed --
SELECT EXISTS (SELECT 1 FROM speakers JOIN samples ON samples.speaker_id = speakers.id
               WHERE speakers.team_id = %(team)s)
    OR EXISTS (SELECT 1 FROM speaker_vectors WHERE team_id = %(team)s)
    OR EXISTS (SELECT 1 FROM job_voices WHERE team_id = %(team)s) AS found

-- masters --
SELECT master, count(*) AS teams FROM team_keys GROUP BY master

-- hold_team_keys --
LOCK TABLE team_keys IN SHARE ROW EXCLUSIVE MODE

-- team_keys --
SELECT team_id, wrapped, master FROM team_keys ORDER BY team_id

-- rewrap --
UPDATE team_keys SET wrapped = %(wrapped)s, master = %(master)s WHERE team_id = %(team)s

-- hold_team --
SELECT id FROM teams WHERE id = %(team)s FOR NO KEY UPDATE

-- take_team_key --
SELECT wrapped, master FROM team_keys WHERE team_id = %(team)s FOR UPDATE

-- replace_team_key --
UPDATE team_keys SET wrapped = %(wrapped)s, master = %(master)s, created_at = now() WHERE team_id = %(team)s

-- samples --
SELECT sample.id, sample.template, sample.clip
FROM speakers JOIN samples AS sample ON sample.speaker_id = speakers.id
WHERE speakers.team_id = %(team)s ORDER BY sample.id

-- seal_sample --
UPDATE samples SET template = %(template)s, clip = %(clip)s WHERE id = %(id)s

-- successors --
SELECT made.sample_id, made.template
FROM speakers JOIN samples AS sample ON sample.speaker_id = speakers.id
JOIN sample_successors AS made ON made.sample_id = sample.id
WHERE speakers.team_id = %(team)s ORDER BY made.sample_id

-- seal_successor --
UPDATE sample_successors SET template = %(template)s WHERE sample_id = %(sample_id)s

-- voices --
SELECT job_id, body, vectors FROM job_voices WHERE team_id = %(team)s ORDER BY job_id

-- seal_voices --
UPDATE job_voices SET body = %(body)s, vectors = %(vectors)s WHERE job_id = %(job_id)s

-- vectors --
SELECT speaker_id, space, vector::real[] AS vector FROM speaker_vectors WHERE team_id = %(team)s ORDER BY space, speaker_id

-- turn_vectors --
UPDATE speaker_vectors SET vector = turned.vector::halfvec
FROM unnest(%(speakers)s::uuid[], %(spaces)s::text[], %(vectors)s::text[]) AS turned (speaker_id, space, vector)
WHERE (speaker_vectors.speaker_id, speaker_vectors.space) = (turned.speaker_id, turned.space)

-- drop_team_key --
DELETE FROM team_keys WHERE team_id = %(team)s

-- drop_samples --
DELETE FROM samples USING speakers
WHERE samples.speaker_id = speakers.id AND speakers.team_id = %(team)s

-- drop_vectors --
DELETE FROM speaker_vectors WHERE team_id = %(team)s

-- drop_voices --
DELETE FROM job_voices WHERE team_id = %(team)s

-- raise_version --
UPDATE teams SET gallery_version = gallery_version + 1 WHERE id = %(team)s
