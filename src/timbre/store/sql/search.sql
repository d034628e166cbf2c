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
SELECT count(*) AS number FROM ({people}) AS people

-- size --
SELECT coalesce(sum(people), 0) AS number FROM gallery_sizes WHERE team_id = %(team)s AND space = %(space)s

-- version --
SELECT gallery_version AS number FROM teams WHERE id = %(team)s

-- indexed_people --
SELECT people AS number FROM gallery_sizes
WHERE team_id = %(team)s AND space = %(space)s AND dimension = %(dimension)s
  AND EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(%(index)s) AND indisvalid)

-- exact --
SELECT place, speaker_id, cosine
FROM unnest(%(vectors)s::halfvec[]) WITH ORDINALITY AS asked (wanted, place)
CROSS JOIN LATERAL (
    SELECT speaker_id, -(vector <#> wanted) AS cosine FROM ({people}) AS people
    WHERE vector_dims(vector) = {dimension}
    ORDER BY vector <#> wanted, speaker_id
    LIMIT %(limit)s
) AS nearest

-- tune --
SELECT set_config('hnsw.ef_search', %(breadth)s::text, true),
       set_config('hnsw.iterative_scan', %(going_on)s, true),
       set_config('enable_sort', 'off', true)

-- tune_back --
SELECT set_config('enable_sort', 'on', true)

-- indexed --
SELECT place, speaker_id, cosine
FROM unnest(%(vectors)s::halfvec[]) WITH ORDINALITY AS asked (wanted, place)
CROSS JOIN LATERAL (
    SELECT speaker_id, -(vector::halfvec({dimension}) <#> wanted::halfvec({dimension})) AS cosine
    FROM speaker_vectors
    WHERE team_id = %(team)s AND space = %(space)s AND vector_dims(vector) = {dimension} AND {condition}
    ORDER BY vector::halfvec({dimension}) <#> wanted::halfvec({dimension})
    LIMIT %(limit)s
) AS nearest

-- anybody --
true

-- has_tag --
(SELECT tags && %(tags)s FROM speakers WHERE id = speaker_id)

-- alone --
SELECT pg_try_advisory_lock(7595436)::integer AS number

-- wait_alone --
SELECT pg_advisory_lock(7595436)

-- indexes --
SELECT relname AS name, indisvalid AS valid
FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
WHERE indrelid = 'speaker_vectors'::regclass AND amname = 'hnsw' AND starts_with(relname, 'people_')

-- sizes --
SELECT team_id, space, dimension, people FROM gallery_sizes WHERE people >= %(least)s

-- prepare_to_build --
SELECT set_config('maintenance_work_mem', %(memory)s || 'kB', false),
       set_config('max_parallel_maintenance_workers', %(helpers)s::text, false)

-- make_index --
CREATE INDEX CONCURRENTLY {index} ON speaker_vectors
USING hnsw ((vector::halfvec({dimension})) halfvec_ip_ops) WITH (m = {neighbours}, ef_construction = {care})
WHERE team_id = {team} AND space = {space} AND vector_dims(vector) = {dimension}

-- drop_index --
DROP INDEX CONCURRENTLY IF EXISTS {index}
