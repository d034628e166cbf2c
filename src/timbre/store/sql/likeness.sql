-- voices --
SELECT person.id, entry.vector::text,
       (SELECT sum(sample.seconds) FROM samples AS sample
        WHERE sample.speaker_id = person.id AND sample.space = entry.space) AS seconds
FROM speakers AS person JOIN speaker_vectors AS entry ON entry.speaker_id = person.id AND entry.space = %(space)s
WHERE person.team_id = %(team)s
ORDER BY person.id DESC LIMIT %(limit)s
