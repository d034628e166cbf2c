-- record --
INSERT INTO audit (id, team_id, key_id, action, subject, details)
VALUES (%(id)s, %(team)s, %(key)s, %(action)s, %(subject)s, %(details)s)

-- page --
SELECT audit.id, audit.at, audit.action, audit.subject, subject.name AS subject_name, audit.key_id,
       key.name AS key_name, audit.details
FROM audit LEFT JOIN api_keys AS key ON key.id = audit.key_id AND key.team_id = audit.team_id
    LEFT JOIN api_keys AS subject ON subject.id = audit.subject AND subject.team_id = audit.team_id
WHERE audit.team_id = %(team)s
  AND (%(action)s::text IS NULL OR audit.action = %(action)s)
  AND (%(subject)s::uuid IS NULL OR audit.subject = %(subject)s)
  AND (%(before)s::uuid IS NULL OR audit.id < %(before)s)
ORDER BY audit.id DESC LIMIT %(limit)s
