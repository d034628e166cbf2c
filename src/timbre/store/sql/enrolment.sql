-- speaker --
SELECT id FROM speakers WHERE id = %(id)s AND team_id = %(team)s
