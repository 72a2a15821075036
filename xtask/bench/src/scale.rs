//! Fills a database with accounts and sessions, in SQL: what is measured is how the server fares beside them.

use crate::Outcome;
use sqlx::{AnyConnection, Connection as _, Executor as _};

/// Makes the database hold about so many accounts and sessions, three sessions an account, and lets PostgreSQL tidy up
/// after it.
///
/// # Errors
/// The database.
pub fn fill(database: &str, (accounts, sessions): (i64, i64)) -> Outcome {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime: {error}"))?;
    let filled = runtime.block_on(async {
        let mut connection = AnyConnection::connect(database).await?;
        let numbers = if database.starts_with("sqlite:") {
            "WITH RECURSIVE numbers (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM numbers WHERE i < {to})"
        } else {
            "WITH numbers (i) AS (SELECT * FROM generate_series({from}::BIGINT, {to}))"
        };
        let random =
            if database.starts_with("sqlite:") { "hex(randomblob(11))" } else { "substr(md5(random()::text), 1, 22)" };
        let each = sessions / accounts;
        for batch in (0..accounts).step_by(BATCH as usize) {
            let range = |text: &str| {
                text.replace("{from}", &(batch + 1).to_string())
                    .replace("{to}", &(batch + BATCH).min(accounts).to_string())
            };
            let mut transaction = connection.begin().await?;
            transaction.execute(sqlx::AssertSqlSafe(format!("{} {ACCOUNTS}", range(numbers)))).await?;
            for _ in 0..each {
                let insert = SESSIONS.replace("{random}", random);
                transaction.execute(sqlx::AssertSqlSafe(format!("{} {insert}", range(numbers)))).await?;
            }
            transaction.commit().await?;
        }
        // PostgreSQL does that by itself within minutes, beside whatever is measured then; SQLite never does, and nor does
        // Doorward.
        if database.starts_with("postgres") {
            connection.execute("VACUUM ANALYZE").await?;
            connection.execute("CHECKPOINT").await?;
        }
        connection.close().await
    });
    filled.map_err(|error: sqlx::Error| format!("filling the database: {error}"))
}

/// Accounts in one transaction.
const BATCH: i64 = 50_000;

/// Numbers that look random and are all different: an odd factor, modulo a power of two.
const ACCOUNTS: &str = "INSERT INTO accounts
    (id, email, email_key, username, username_key, first_name, last_name, password_hash, security_epoch, created_at, known_since)
    SELECT (i * 2654435761) % 4503599627370496, 'fill' || i || '@example.com', 'fill' || i || '@example.com',
           'fill' || i, 'fill' || i, '', '',
           '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$cGFkZGluZ3BhZGRpbmdwYWRkaW5ncGFkZGluZ3BhZGRpbmc', 1, 0, 0
    FROM numbers";

const SESSIONS: &str = "INSERT INTO sessions
    (rid, sid, account_id, counter, parent, minted_at, created_at, expires_at, idle_seconds, remembered, epoch,
     authenticated_at, assurance_level, methods, device_label, user_agent, ip)
    SELECT {random}, {random}, (i * 2654435761) % 4503599627370496, 1, 1, 4000000000, 4000000000, 4100000000, 86400, 1, 1,
           4000000000, 1, 'pwd', 'Firefox on Linux',
           'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '192.0.2.7'
    FROM numbers";
