-- What an account's life needs: confirmed and changed addresses, names that are kept, leaving with a grace,
-- the throttles, and the audit log.

ALTER TABLE accounts ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
-- When the account is to be purged; signing in before offers to keep it.
ALTER TABLE accounts ADD COLUMN delete_at BIGINT;
-- Browsers that signed in before then are not known any more: the password was changed.
ALTER TABLE accounts ADD COLUMN known_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX accounts_delete_idx ON accounts (delete_at) WHERE delete_at IS NOT NULL;

-- The token that a step-up made: those from `stepped_up_from` up to it were good just before.
ALTER TABLE sessions ADD COLUMN stepped_up_to BIGINT;

-- The address that a ticket is about: the one to confirm, the new one, or the one to go back to. It decides where the
-- mail goes and dies with the ticket.
ALTER TABLE tickets ADD COLUMN email TEXT;
ALTER TABLE tickets ADD COLUMN email_key TEXT;

-- What a notice tells beside its kind: a device and a coarse address.
ALTER TABLE outbox ADD COLUMN about TEXT;

-- Names and addresses that nobody else may take for a while: left user names, addresses that can still be restored.
CREATE TABLE reservations (
    kind TEXT NOT NULL,
    name_key TEXT NOT NULL,
    -- Who may still take it; NULL is nobody. No foreign key: a purged account's name stays reserved.
    account_id BIGINT,
    until_at BIGINT NOT NULL,
    CONSTRAINT reservations_pkey PRIMARY KEY (kind, name_key)
);
CREATE INDEX reservations_until_idx ON reservations (until_at);

-- One row a throttled subject: a generic cell rate algorithm. The name is a keyed hash: it tells nobody's address.
CREATE TABLE throttles (
    name TEXT NOT NULL CONSTRAINT throttles_pkey PRIMARY KEY,
    -- The theoretical arrival time in milliseconds: when the bucket is full again.
    arrives_at BIGINT NOT NULL,
    -- Tries in a row, for limits that get slower.
    hits BIGINT NOT NULL
);
CREATE INDEX throttles_arrives_idx ON throttles (arrives_at);

-- The audit log: each entry's seal is a MAC over the entry and the seal before it. What is personal stands in columns
-- of its own that are erased with the account; the seal covers their digest, so the chain stays whole.
CREATE TABLE audit_events (
    seq BIGINT NOT NULL CONSTRAINT audit_events_pkey PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- NULL: of an identifier that nobody has, or erased.
    account_id BIGINT,
    sid TEXT,
    device_label TEXT,
    ip TEXT,
    -- Random; without it the digest of erased columns could be guessed.
    salt TEXT,
    personal_digest TEXT NOT NULL,
    seal TEXT NOT NULL
);
CREATE INDEX audit_events_account_idx ON audit_events (account_id, seq);
CREATE INDEX audit_events_happened_idx ON audit_events (happened_at);

-- One row: the end of the chain, and where it begins since older entries were let go.
CREATE TABLE audit_chain (
    id BIGINT NOT NULL CONSTRAINT audit_chain_pkey PRIMARY KEY,
    last_seq BIGINT NOT NULL,
    last_seal TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    before_first_seal TEXT NOT NULL
);
INSERT INTO audit_chain (id, last_seq, last_seal, first_seq, before_first_seal) VALUES (1, 0, '', 1, '');
