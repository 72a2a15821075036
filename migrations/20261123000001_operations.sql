-- What several servers on one database share, and who administers.

-- Since when the account is an administrator's; NULL is everybody else.
ALTER TABLE accounts ADD COLUMN admin_since BIGINT;

-- Work that one server does for all: whoever has the lease until then.
CREATE TABLE leases (
    name TEXT NOT NULL CONSTRAINT leases_pkey PRIMARY KEY,
    holder TEXT NOT NULL,
    until_at BIGINT NOT NULL
);

-- Signs of life of the servers; a row goes when its server stops, or when it has been silent for long.
CREATE TABLE replicas (
    -- Random, new at each start.
    id TEXT NOT NULL CONSTRAINT replicas_pkey PRIMARY KEY,
    version TEXT NOT NULL,
    -- By that server's own clock.
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    -- Names of the keys it has, made by a hash that tells nothing of the keys; sorted.
    keys TEXT NOT NULL
);
