-- alone --
SELECT pg_try_advisory_xact_lock(7595437) AS locked

-- clear_notices --
UPDATE speakers SET notice_at = NULL
WHERE notice_at IS NOT NULL
  AND (%(months)s = 0 OR coalesce(heard_at, created_at) > now() - make_interval(months => %(months)s))

-- give_notice --
UPDATE speakers SET notice_at = now()
WHERE notice_at IS NULL AND %(months)s > 0
  AND coalesce(heard_at, created_at) <= now() - make_interval(months => %(months)s)
RETURNING id, team_id

-- overdue --
SELECT id, team_id FROM speakers
WHERE notice_at <= now() - make_interval(days => %(days)s)
  AND coalesce(heard_at, created_at) <= now() - make_interval(months => %(months)s)  -- nobody heard them just now
ORDER BY team_id, id LIMIT 1000

-- due --
SELECT id, name, heard_at, created_at, review_on, due_at,
       greatest(due_at, coalesce(notice_at, now()) + make_interval(days => %(days)s)) AS erased_from
FROM speakers,
     LATERAL (SELECT coalesce(heard_at, created_at) + make_interval(months => %(months)s) AS due_at) AS due
WHERE team_id = %(team)s AND %(months)s > 0
  AND due_at <= now() + make_interval(days => %(soon)s)
  AND (due_at > now()) = %(later)s
ORDER BY due_at, id LIMIT %(limit)s

-- reviews --
SELECT id, name, heard_at, created_at, review_on
FROM speakers
WHERE team_id = %(team)s AND review_on <= current_date
ORDER BY review_on, id LIMIT %(limit)s
