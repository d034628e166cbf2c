-- everybody --
SELECT speaker_id, vector FROM speaker_vectors
WHERE team_id = %(team)s AND space = %(space)s

-- by_ids --
SELECT speaker_id, vector FROM speaker_vectors
WHERE team_id = %(team)s AND space = %(space)s AND speaker_id = ANY(%(ids)s)

-- by_tags --
SELECT speaker_id, vector
FROM speakers AS speaker JOIN speaker_vectors ON speaker_vectors.speaker_id = speaker.id
WHERE speaker.team_id = %(team)s AND speaker.tags && %(tags)s AND space = %(space)s

-- count --
SELECT count(*) AS people FROM ({people}) AS people

-- exact --
WITH people AS MATERIALIZED (
    SELECT speaker_id, vector FROM ({people}) AS people WHERE vector_dims(vector) = %(dimension)s
)
SELECT place, speaker_id, cosine
FROM unnest(%(vectors)s::halfvec[]) WITH ORDINALITY AS asked (wanted, place)
CROSS JOIN LATERAL (
    SELECT speaker_id, -(vector <#> wanted) AS cosine FROM people
    ORDER BY vector <#> wanted, speaker_id
    LIMIT %(limit)s
) AS nearest
ORDER BY place, cosine DESC, speaker_id
