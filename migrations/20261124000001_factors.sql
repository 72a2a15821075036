-- Second factors: authenticator apps, recovery codes, passkeys, browsers that are trusted, and sign-ins that wait for one.

-- The assurance that a session of the account must have: 1 (a password), or 2 once it has a second factor or a passkey.
-- Sessions below it are not refreshed and not heard until they show a factor.
ALTER TABLE accounts ADD COLUMN demanded_level BIGINT NOT NULL DEFAULT 1;
-- What passkeys call the account: 16 random bytes that say nothing of it. Made with the first passkey.
ALTER TABLE accounts ADD COLUMN passkey_handle TEXT;
CREATE UNIQUE INDEX accounts_passkey_handle_key ON accounts (passkey_handle);

-- Authenticator apps (RFC 6238): of an account at most one that is confirmed, and one that waits to be.
CREATE TABLE totp_secrets (
    id TEXT NOT NULL CONSTRAINT totp_secrets_pkey PRIMARY KEY,
    account_id BIGINT NOT NULL CONSTRAINT totp_secrets_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    -- XChaCha20-Poly1305 with a key that is not in this database; the account's number is bound to it.
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- One that is not confirmed is worth nothing after that.
    expires_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    -- The newest time step that was taken (seconds since 1970 divided by 30): none is taken twice.
    last_step BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX totp_secrets_confirmed_key ON totp_secrets (account_id) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX totp_secrets_waiting_key ON totp_secrets (account_id) WHERE confirmed_at IS NULL;

CREATE TABLE recovery_codes (
    account_id BIGINT NOT NULL CONSTRAINT recovery_codes_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    -- The first letter of the code: all ten of an account begin differently, so one hash is enough to judge a guess.
    slot TEXT NOT NULL,
    -- Argon2id of the rest: 15 letters, 75 bits.
    code_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (account_id, slot)
);

CREATE TABLE passkeys (
    -- Public: in the list of them.
    id TEXT NOT NULL CONSTRAINT passkeys_pkey PRIMARY KEY,
    -- What the authenticator has named it, base64url; at most 1023 bytes.
    credential_id TEXT NOT NULL,
    account_id BIGINT NOT NULL CONSTRAINT passkeys_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- The public key and what was said when it was made, as webauthn-rs writes it (JSON). No secret.
    record TEXT NOT NULL,
    -- The authenticator's signature counter: one that does not grow was cloned.
    sign_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX passkeys_credential_key ON passkeys (credential_id);
CREATE INDEX passkeys_account_idx ON passkeys (account_id);

-- Of a wish for another address, and of the way back from it: when it was asked for (none: when the ticket was made), and what
-- the account demanded then. Who takes an address back takes back the factors that were added since, too.
ALTER TABLE tickets ADD COLUMN asked_at BIGINT;
ALTER TABLE tickets ADD COLUMN demanded_level BIGINT NOT NULL DEFAULT 1;

-- Browsers in which the owner need not show the second factor for a while.
CREATE TABLE trusted_browsers (
    -- Public: in the list of them.
    id TEXT NOT NULL CONSTRAINT trusted_browsers_pkey PRIMARY KEY,
    account_id BIGINT NOT NULL CONSTRAINT trusted_browsers_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    -- SHA-256 of the 256 random bits in the browser's cookie.
    secret_digest TEXT NOT NULL,
    device_label TEXT NOT NULL,
    ip TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE INDEX trusted_browsers_account_idx ON trusted_browsers (account_id);
CREATE INDEX trusted_browsers_expires_idx ON trusted_browsers (expires_at);

-- Sign-ins whose password was right and that wait for a factor, or for one to be enrolled. They have no rights at all.
CREATE TABLE challenges (
    -- SHA-256 of the 256 random bits that the caller holds.
    id TEXT NOT NULL CONSTRAINT challenges_pkey PRIMARY KEY,
    account_id BIGINT NOT NULL CONSTRAINT challenges_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    -- 'factor' or 'enrolment'.
    wants TEXT NOT NULL,
    -- A copy of the account's: a new password ends it.
    epoch BIGINT NOT NULL,
    remembered BIGINT NOT NULL,
    -- Where to go afterwards; untrusted, as it came.
    next TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX challenges_account_idx ON challenges (account_id);
CREATE INDEX challenges_expires_idx ON challenges (expires_at);

-- WebAuthn ceremonies that were finished, until they have run out anyway: each is finished once.
CREATE TABLE spent_ceremonies (
    id TEXT NOT NULL CONSTRAINT spent_ceremonies_pkey PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_ceremonies_expires_idx ON spent_ceremonies (expires_at);
