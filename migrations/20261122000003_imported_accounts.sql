-- Accounts that came from another system (`doorward import-django`): when they came. They were lived in there, so they
-- are not taken for abandoned registrations, whose addresses were never confirmed.
--
-- Until such an account's owner signs in, password_hash may hold what Django wrote (`pbkdf2_sha256$…`, `scrypt$…`).

ALTER TABLE accounts ADD COLUMN imported_at BIGINT;
