-- record --
INSERT INTO audit (id, team_id, key_id, action, subject, details)
VALUES (%(id)s, %(team)s, %(key)s, %(action)s, %(subject)s, %(details)s)

-- page --
SELECT audit.id, audit.at, audit.action, audit.subject, audit.key_id, api_keys.name AS key_name, audit.details
FROM audit LEFT JOIN api_keys ON api_keys.id = audit.key_id AND api_keys.team_id = audit.team_id
WHERE audit.team_id = %(team)s
  AND (%(action)s::text IS NULL OR audit.action = %(action)s)
  AND (%(subject)s::uuid IS NULL OR audit.subject = %(subject)s)
  AND (%(before)s::uuid IS NULL OR audit.id < %(before)s)
ORDER BY audit.id DESC LIMIT %(limit)s
