-- A person is a key that nobody has: it bears the name that history and audit show, and the scopes of a role.
ALTER TABLE api_keys
    ADD COLUMN issuer text,   -- who vouches for the person: `link`, or an OpenID provider; null for keys of programs
    ADD COLUMN subject text;  -- who it is, to the issuer
CREATE UNIQUE INDEX api_keys_by_person ON api_keys (team_id, issuer, subject)
    WHERE issuer IS NOT NULL AND revoked_at IS NULL;

-- Links to a session of a person. Not in `sign_in_links`: older programs give whoever has one of those every scope.
CREATE TABLE person_links (
    hash bytea PRIMARY KEY,
    key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
