//! A Django database, read only: its table of users in the order of their numbers.
//!
//! A custom user model need not have every column: what is not there is read as empty, false or nothing.

use super::{StoreError, Tx, connect};
use crate::domain::time::Timestamp;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection as _, Row as _, any::AnyRow};
use std::{collections::BTreeMap, fmt, path::Path};

/// Columns that must be there.
const REQUIRED: [&str; 3] = ["id", "password", "email"];
/// Columns that may be.
const TEXTS: [&str; 3] = ["username", "first_name", "last_name"];
const FLAGS: [&str; 3] = ["is_active", "is_staff", "is_superuser"];
const TIMES: [&str; 2] = ["date_joined", "last_login"];

/// A user as Django has it. `Debug` is not there: it holds a hash.
#[expect(missing_docs, reason = "Django documents its columns")]
pub struct DjangoUser {
    pub id: i64,
    /// None if the model has no such column.
    pub username: Option<String>,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub password: String,
    pub is_active: bool,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub date_joined: Option<Timestamp>,
    pub last_login: Option<Timestamp>,
}

/// Why a Django database cannot be read.
#[derive(Debug)]
pub enum DjangoError {
    /// The name of the table is none.
    TableName,
    /// There is no such table, or one without these columns.
    Missing(Vec<&'static str>),
    /// The key of the table is no whole number.
    Key,
    /// The database refuses, or is none.
    Database(StoreError),
}

impl fmt::Display for DjangoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableName => {
                f.write_str("a table is named by letters, digits and _, with a schema before a dot if need be")
            }
            Self::Missing(columns) if columns.len() == REQUIRED.len() => {
                f.write_str("there is no such table of users; name a custom user model's with --table")
            }
            Self::Missing(columns) => write!(f, "the table has no column {}", columns.join(", ")),
            Self::Key => f.write_str("the users' ids are no whole numbers; such users cannot be imported"),
            Self::Database(StoreError::UnknownEngine) => {
                f.write_str("it is named by the path of an SQLite file, or a URL that begins with sqlite: or postgres:")
            }
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DjangoError {}

impl<E: Into<StoreError>> From<E> for DjangoError {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

/// A Django database that was opened. On PostgreSQL all its pages see it as the first one did.
pub struct DjangoDatabase {
    connection: AnyConnection,
    is_postgres: bool,
    table: String,
    columns: BTreeMap<String, String>,
}

impl DjangoDatabase {
    /// Opens it, so that nothing can be written: `location` is the path of an SQLite file, or an `sqlite:` or
    /// `postgres:` URL.
    ///
    /// # Errors
    /// There is no such database or table, or its columns are not those of users.
    pub async fn open(location: &str, table: &str) -> Result<Self, DjangoError> {
        sqlx::any::install_default_drivers();
        let quoted = quoted(table).ok_or(DjangoError::TableName)?;
        let is_postgres = connect::is_postgres(location);
        let mut connection = connect(location, is_postgres).await?;
        let begin = if is_postgres {
            "SET TIME ZONE 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        } else {
            // No transaction: as long as it read, Django could not write.
            "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000"
        };
        sqlx::raw_sql(begin).execute(&mut connection).await?;
        let columns = columns(&mut connection, is_postgres, table, &quoted).await?;
        let missing: Vec<_> = REQUIRED.into_iter().filter(|name| !columns.contains_key(*name)).collect();
        if !missing.is_empty() {
            return Err(DjangoError::Missing(missing));
        }
        if !columns.get("id").is_some_and(|kind| kind.to_ascii_lowercase().contains("int")) {
            return Err(DjangoError::Key);
        }
        Ok(Self { connection, is_postgres, table: quoted, columns })
    }

    /// The `most` users with the smallest numbers above `after`; from the first one on without it.
    ///
    /// # Errors
    /// The database is away, or a row cannot be read.
    pub async fn page(&mut self, after: Option<i64>, most: i64) -> Result<Vec<DjangoUser>, DjangoError> {
        let statement = self.statement();
        let query = sqlx::query(AssertSqlSafe(statement)).bind(after.unwrap_or(i64::MIN)).bind(most);
        let rows = query.fetch_all(&mut self.connection).await?;
        let users = rows.iter().map(|row| self.read(row)).collect::<Result<Vec<_>, _>>()?;
        // SQLite keeps any text in a column of numbers, and sorts it behind all of them.
        let mut before = after;
        for user in &users {
            if before.is_some_and(|before| user.id <= before) {
                return Err(DjangoError::Key);
            }
            before = Some(user.id);
        }
        Ok(users)
    }

    /// Ends the connection.
    pub async fn close(self) {
        // Nothing was written that could be lost.
        drop(self.connection.close().await);
    }

    fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// Each column as a type that both engines hand out in one way.
    fn statement(&self) -> String {
        let texts = ["password", "email"].into_iter().chain(TEXTS).filter(|name| self.has(name));
        let texts = texts.map(|name| format!("CAST({name} AS TEXT) AS {name}"));
        let flags = FLAGS.into_iter().filter(|name| self.has(name));
        let flags = flags.map(|name| format!("CAST(CASE WHEN {name} THEN 1 ELSE 0 END AS BIGINT) AS {name}"));
        let seconds = |name: &str| match self.is_postgres {
            // 'infinity' is a time to PostgreSQL and no number.
            true => format!(
                "CAST(CASE WHEN isfinite({name}) THEN FLOOR(EXTRACT(EPOCH FROM {name})) END AS BIGINT) AS {name}"
            ),
            false => format!("CAST(strftime('%s', {name}) AS BIGINT) AS {name}"),
        };
        let times = TIMES.into_iter().filter(|name| self.has(name)).map(seconds);
        let columns: Vec<String> = texts.chain(flags).chain(times).collect();
        format!(
            "SELECT CAST(id AS BIGINT) AS id, {} FROM {} AS users WHERE users.id > $1 ORDER BY users.id LIMIT $2",
            columns.join(", "),
            self.table
        )
    }

    fn read(&self, row: &AnyRow) -> Result<DjangoUser, DjangoError> {
        let text = |name: &str| match self.has(name) {
            true => row.try_get::<Option<String>, _>(name),
            false => Ok(None),
        };
        let flag = |name: &str, without: bool| match self.has(name) {
            true => Ok::<_, sqlx::Error>(row.try_get::<i64, _>(name)? != 0),
            false => Ok(without),
        };
        let time = |name: &str| match self.has(name) {
            true => Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(Timestamp)),
            false => Ok(None),
        };
        Ok(DjangoUser {
            id: row.try_get("id")?,
            username: text("username")?,
            email: text("email")?.unwrap_or_default(),
            first_name: text("first_name")?.unwrap_or_default(),
            last_name: text("last_name")?.unwrap_or_default(),
            password: text("password")?.unwrap_or_default(),
            is_active: flag("is_active", true)?,
            is_staff: flag("is_staff", false)?,
            is_superuser: flag("is_superuser", false)?,
            date_joined: time("date_joined")?,
            last_login: time("last_login")?,
        })
    }
}

impl fmt::Debug for DjangoDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DjangoDatabase")
    }
}

async fn connect(location: &str, is_postgres: bool) -> Result<AnyConnection, DjangoError> {
    if is_postgres {
        return Ok(AnyConnection::connect(location).await?);
    }
    let path = match location.strip_prefix("sqlite:") {
        Some(rest) => rest.trim_start_matches("//"),
        None if location.contains("://") => return Err(StoreError::UnknownEngine.into()),
        None => location,
    };
    // SQLite would say only that it is unable to open it.
    std::fs::metadata(Path::new(path)).map_err(sqlx::Error::Io)?;
    let escaped = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    Ok(AnyConnection::connect(&format!("sqlite://{escaped}?mode=ro")).await?)
}

/// The names and kinds of the table's columns; none if there is no such table.
async fn columns(
    tx: &mut Tx,
    is_postgres: bool,
    table: &str,
    quoted: &str,
) -> Result<BTreeMap<String, String>, DjangoError> {
    let rows = if is_postgres {
        sqlx::query(
            "SELECT CAST(attname AS TEXT) AS name, format_type(atttypid, NULL) AS kind FROM pg_catalog.pg_attribute
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        )
        .bind(quoted)
        .fetch_all(tx)
        .await?
    } else {
        sqlx::query::<Any>("SELECT name, type AS kind FROM pragma_table_info($1)").bind(table).fetch_all(tx).await?
    };
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("kind")?))).collect()
}

/// The table's name between quotes, schema and table each; `None` if it is no plain name.
fn quoted(table: &str) -> Option<String> {
    let is_name = |part: &str| {
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain && !part.is_empty() && part.len() <= 63
    };
    let parts: Vec<&str> = table.split('.').collect();
    (parts.len() <= 2 && parts.iter().all(|part| is_name(part))).then(|| format!("\"{}\"", parts.join("\".\"")))
}
