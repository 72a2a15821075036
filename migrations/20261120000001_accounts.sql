-- Accounts, their sessions, the stored halves of mailed secrets, and mails that wait.
--
-- One text for SQLite and PostgreSQL: only TEXT and BIGINT; times are seconds from the server's clock, never now();
-- a state is a nullable time, never a flag; nothing here lets its reader sign in.

CREATE TABLE accounts (
    -- Random, below 2^52: a JSON number that counts nothing.
    id BIGINT NOT NULL CONSTRAINT accounts_pkey PRIMARY KEY,
    -- As typed; the keys beside them are what is unique, whatever the case or the Unicode form.
    email TEXT NOT NULL,
    email_key TEXT NOT NULL CONSTRAINT accounts_email_key UNIQUE,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL CONSTRAINT accounts_username_key UNIQUE,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    -- A PHC string (argon2id), or NULL for an account without a password.
    password_hash TEXT,
    -- Sessions carry a copy; raising it ends them all in one write.
    security_epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    email_verified_at BIGINT,
    disabled_at BIGINT
);

CREATE TABLE sessions (
    -- Secret half of a refresh token's name: 128 random bits, never outside the token.
    rid TEXT NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    -- Public name: in access tokens and in the list of sessions.
    sid TEXT NOT NULL CONSTRAINT sessions_sid_key UNIQUE,
    account_id BIGINT NOT NULL CONSTRAINT sessions_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    -- The newest token's counter, and the one whose presentation made it.
    counter BIGINT NOT NULL,
    parent BIGINT NOT NULL,
    minted_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    idle_seconds BIGINT NOT NULL,
    remembered BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    -- When a step-up last changed the privilege, and the counter just before it: refused softly for a short while.
    stepped_up_at BIGINT,
    stepped_up_from BIGINT,
    assurance_level BIGINT NOT NULL,
    methods TEXT NOT NULL,
    device_label TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    ip TEXT NOT NULL,
    revoked_at BIGINT,
    revoked_why TEXT
);
CREATE INDEX sessions_account_idx ON sessions (account_id);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);

CREATE TABLE tickets (
    -- 128 random bits; link and code are made from it with a key that is not in this database.
    id TEXT NOT NULL CONSTRAINT tickets_pkey PRIMARY KEY,
    -- NULL where nobody has the address that was asked for: known and unknown cost the same write.
    account_id BIGINT CONSTRAINT tickets_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    -- SHA-256 of what the asking browser holds: the typed code works there only.
    request_digest TEXT NOT NULL CONSTRAINT tickets_request_key UNIQUE,
    epoch BIGINT NOT NULL,
    code_tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX tickets_account_idx ON tickets (account_id, kind);
CREATE INDEX tickets_expires_idx ON tickets (expires_at);

CREATE TABLE outbox (
    id TEXT NOT NULL CONSTRAINT outbox_pkey PRIMARY KEY,
    kind TEXT NOT NULL,
    -- NULL is the decoy of an unknown address: nothing is sent.
    account_id BIGINT CONSTRAINT outbox_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    ticket_id TEXT,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    give_up_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT,
    lease_holder TEXT,
    sent_at BIGINT,
    gave_up_at BIGINT,
    -- A kind of failure, never a server's text: those name addresses.
    last_error TEXT
);
CREATE INDEX outbox_account_idx ON outbox (account_id);
CREATE INDEX outbox_due_idx ON outbox (due_at) WHERE sent_at IS NULL AND gave_up_at IS NULL;
