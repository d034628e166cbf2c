-- create_secret --
INSERT INTO webhook_secrets (id, team_id, secret) VALUES (%(id)s, %(team)s, %(secret)s)

-- retire_secrets --
UPDATE webhook_secrets SET expires_at = now() + make_interval(secs => %(seconds)s)
WHERE team_id = %(team)s AND (expires_at IS NULL OR expires_at > now() + make_interval(secs => %(seconds)s))

-- secrets --
SELECT secret, created_at, expires_at FROM webhook_secrets
WHERE team_id = %(team)s AND (expires_at IS NULL OR expires_at > now())
ORDER BY id

-- create --
INSERT INTO webhook_deliveries (id, team_id, job_id, url, status_only, revised)
VALUES (%(id)s, %(team)s, %(job)s, %(url)s, %(status_only)s, %(revised)s)

-- create_revised --
INSERT INTO webhook_deliveries (id, team_id, job_id, url, status_only, revised)
SELECT %(id)s, %(team)s, %(job)s, %(url)s, %(status_only)s, true
WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries AS waiting
                  WHERE waiting.job_id = %(job)s AND waiting.revised AND waiting.state = 'pending'
                    -- One that may be under way has read the result already.
                    AND waiting.next_at > now() + interval '1 second')
RETURNING id

-- begin --
UPDATE webhook_deliveries AS delivery SET next_at = now()
FROM jobs AS job
WHERE job.id = delivery.job_id
  AND delivery.id = %(id)s AND delivery.round = %(round)s AND delivery.state = 'pending'
RETURNING delivery.id, delivery.team_id, delivery.job_id, delivery.url, delivery.round, job.status, delivery.revised,
          job.revision, job.params ->> 'traceparent' AS traceparent,
          CASE WHEN NOT delivery.status_only
               THEN (SELECT output.body FROM job_outputs AS output WHERE output.job_id = job.id) END AS body

-- attempted --
INSERT INTO webhook_attempts (delivery_id, round, number, status, reason, error, seconds)
SELECT id, %(round)s, %(number)s, %(status)s, %(reason)s, %(error)s, %(seconds)s
FROM webhook_deliveries WHERE id = %(id)s FOR UPDATE
ON CONFLICT DO NOTHING
RETURNING number

-- settle --
UPDATE webhook_deliveries
SET state = %(state)s, next_at = now() + make_interval(secs => %(wait)s),
    delivered_at = CASE WHEN %(state)s = 'delivered' THEN now() ELSE delivered_at END
WHERE id = %(id)s AND round = %(round)s AND state = 'pending'
RETURNING next_at

-- replay --
UPDATE webhook_deliveries
SET state = 'pending', round = round + 1, next_at = now()
WHERE id = %(id)s AND team_id = %(team)s
RETURNING id, round

-- page --
SELECT delivery.id, delivery.job_id, delivery.url, delivery.state, delivery.created_at, delivery.next_at,
       delivery.delivered_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
                            'at', to_char(attempt.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                            'status', attempt.status, 'reason', attempt.reason, 'error', attempt.error,
                            'seconds', round(attempt.seconds::numeric, 3))
                        ORDER BY attempt.round, attempt.number)
                 FROM webhook_attempts AS attempt WHERE attempt.delivery_id = delivery.id), '[]') AS attempts
FROM webhook_deliveries AS delivery
WHERE delivery.team_id = %(team)s
  AND (%(job)s::uuid IS NULL OR delivery.job_id = %(job)s)
  AND (%(state)s::text IS NULL OR delivery.state = %(state)s)
  AND (%(before)s::uuid IS NULL OR delivery.id < %(before)s)
ORDER BY delivery.id DESC LIMIT %(limit)s

-- forgotten --
UPDATE webhook_deliveries AS delivery SET next_at = now()
WHERE delivery.state = 'pending'
  AND (delivery.next_at < now() - make_interval(secs => %(silence)s)
    OR delivery.next_at > now() + make_interval(secs => %(longest)s))  -- the clock was set back
  AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS entry
                  WHERE entry.args ->> 'delivery' = delivery.id::text
                    AND (entry.status = 'todo'
                      OR entry.status = 'doing'  -- taken just now, after a long wait
                     AND EXISTS (SELECT 1 FROM procrastinate_events AS event
                                 WHERE event.job_id = entry.id AND event.type = 'started'
                                   AND event.at BETWEEN now() - make_interval(secs => %(silence)s)
                                                    AND now() + make_interval(secs => %(silence)s))))
RETURNING delivery.id, delivery.team_id, delivery.round,
          (SELECT count(*) FROM webhook_attempts AS attempt
           WHERE attempt.delivery_id = delivery.id AND attempt.round = delivery.round) AS number

-- reason --
SELECT reason FROM webhook_attempts
WHERE delivery_id = %(id)s AND round = %(round)s AND number = %(number)s
