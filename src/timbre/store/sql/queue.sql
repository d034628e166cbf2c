-- drop_ended --
DELETE FROM procrastinate_jobs AS entry
WHERE entry.status = 'doing'
  AND (entry.args ? 'job'
       AND NOT EXISTS (SELECT 1 FROM jobs AS job
                       WHERE job.id = (entry.args ->> 'job')::uuid
                         AND (job.completed_at IS NULL OR job.completed_at > now() - make_interval(secs => %(silence)s)))
    OR entry.args ? 'delivery'
       AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS delivery
                       LEFT JOIN webhook_attempts AS attempt
                         ON attempt.delivery_id = delivery.id AND attempt.round = delivery.round
                        AND attempt.number = (entry.args ->> 'number')::integer
                       WHERE delivery.id = (entry.args ->> 'delivery')::uuid
                         AND delivery.round = (entry.args ->> 'round')::integer
                         AND coalesce(attempt.at > now() - make_interval(secs => %(silence)s),
                                      delivery.state = 'pending'))
    OR entry.args ? 'run'
       AND NOT EXISTS (SELECT 1 FROM gallery_upgrades AS run
                       WHERE run.id = (entry.args ->> 'run')::uuid
                         AND coalesce(run.ended_at > now() - make_interval(secs => %(silence)s), true)))

-- take --
SELECT id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
FROM take_turn(%(lane)s, %(worker)s, %(most)s)

-- after --
SELECT now() + make_interval(secs => %(seconds)s) AS at

-- hurry --
-- Jobs are put off by seconds, webhooks as the settings say; what waits longer got its time before the clock was set back.
UPDATE procrastinate_jobs SET scheduled_at = now()
WHERE status = 'todo'
  AND scheduled_at > now() + make_interval(secs => %(silence)s + CASE WHEN args ? 'delivery' THEN %(longest)s ELSE 10 END)
