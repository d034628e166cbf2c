-- unknown --
SELECT asked.place FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, place)
WHERE NOT EXISTS (SELECT 1 FROM speakers WHERE speakers.id = asked.id AND speakers.team_id = %(team)s)
ORDER BY asked.place LIMIT 10

-- taken --
SELECT asked.label FROM unnest(%(labels)s::text[]) WITH ORDINALITY AS asked (label, place)
WHERE EXISTS (SELECT 1 FROM speakers WHERE speakers.team_id = %(team)s AND lower(speakers.name) = lower(asked.label))
ORDER BY asked.place
