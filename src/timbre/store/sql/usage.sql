-- count --
INSERT INTO usage (team_id, key_id, month, type, jobs, seconds)
VALUES (%(team)s, %(key)s, date_trunc('month', now() AT TIME ZONE 'UTC')::date, %(type)s, 1, %(seconds)s)
ON CONFLICT (team_id, month, key_id, type)
DO UPDATE SET jobs = usage.jobs + 1, seconds = usage.seconds + excluded.seconds

-- report --
SELECT usage.key_id, key.name, key.hint, usage.type, usage.jobs, usage.seconds
FROM usage LEFT JOIN api_keys AS key ON key.id = usage.key_id
WHERE usage.team_id = %(team)s AND usage.month = %(month)s
ORDER BY key.created_at, usage.key_id, usage.type

-- budget --
SELECT team.budget_seconds AS budget,
       coalesce((SELECT sum(seconds) FROM usage
                 WHERE usage.team_id = team.id
                   AND usage.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date), 0) AS used
FROM teams AS team WHERE team.id = %(team)s
