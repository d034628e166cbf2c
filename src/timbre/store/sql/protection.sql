-- team_key --
SELECT wrapped, master FROM team_keys WHERE team_id = %(team)s

-- make_team_key --
INSERT INTO team_keys (team_id, wrapped, master) VALUES (%(team)s, %(wrapped)s, %(master)s) ON CONFLICT DO NOTHING
