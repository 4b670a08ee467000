use crate::postgres::config::Config;
use crate::postgres::error::{Error, ErrorKind};
use crate::postgres::schema;
use crate::postgres::session::{Purpose, Session, pool};
use crate::postgres::work::{Tx, Work};
use crate::tenant::TenantName;
use deadpool_postgres::Pool;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;

/// How often a transaction is tried when others are in its way.
const ATTEMPTS: u32 = 12;

/// How many connections there are for short statements.
const QUICK: usize = 8;

/// A PostgreSQL database with the tables of this crate. Clones share its connections.
///
/// Needs a Tokio runtime with its timer. A call whose future is dropped may or may not take effect.
///
/// ```no_run
/// use nhs_pds::postgres::{Config, Database};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// // Once, as the owner of the tables. The role of the programs exists already.
/// let owner: Config = "postgres://nhs_pds_owner@db.example/nhs_pds".parse()?;
/// Database::prepare(&owner, "nhs_pds_app").await?;
///
/// // In each program.
/// let config: Config = "postgres://nhs_pds_app@db.example/nhs_pds".parse()?;
/// let database = Database::connect(&config).await?;
/// let leeds = database.tenant(&"leeds".parse()?).await?;
/// # let _ = leeds;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    /// Connections for short statements, once there is one.
    quick: Arc<OnceLock<Pool>>,
    pub(super) config: Arc<Config>,
}

/// The part of a [`Database`] that belongs to one tenant. Clones share its connections.
#[derive(Clone)]
pub struct TenantDatabase {
    database: Database,
    name: TenantName,
    key: i32,
}

impl Database {
    /// Connects to the database, and checks that the schema is of this version of the crate.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Role`] when the role could see every tenant's rows. [`ErrorKind::Schema`] when the database was not
    /// [prepared](Self::prepare), or by another version. [`ErrorKind::Configuration`] and
    /// [`ErrorKind::Unavailable`].
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        let database = Self::new(config)?;
        database.check().await?;
        Ok(database)
    }

    /// Makes the tables, or brings them up to date, and lets the role `role` use them. `owner` must connect as a role
    /// that may create a schema in the database; it then owns the tables. Programs that already run keep running,
    /// unless [`connect`](Self::connect) says otherwise after the change.
    ///
    /// Several calls at once wait for each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] when a newer version of the crate has prepared the database. [`ErrorKind::Role`] when
    /// `role` is the owner or may see all rows. [`ErrorKind::Configuration`] when there is no such role.
    /// [`ErrorKind::Unavailable`].
    pub async fn prepare(owner: &Config, role: &str) -> Result<(), Error> {
        let database = Self::new(owner)?;
        let role = role.to_owned();
        database
            .write(move |tx| {
                let role = role.clone();
                Box::pin(async move { schema::prepare(tx, &role).await })
            })
            .await
    }

    /// Whether the database answers, its schema fits, and the role may see no more than it must.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub async fn check(&self) -> Result<(), Error> {
        self.read_for(None, |tx| Box::pin(schema::check(tx))).await
    }

    /// The part of the tenant `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tenant`] when there is no such tenant. [`ErrorKind::Unavailable`].
    pub async fn tenant(&self, name: &TenantName) -> Result<TenantDatabase, Error> {
        let found = name.clone();
        let key = self
            .read_for(None, move |tx| {
                Box::pin(async move {
                    let sql = "SELECT tenant FROM nhs_pds.tenant WHERE name = $1";
                    let row = tx.first(sql, &[&found.as_str()]).await?;
                    let row = row.ok_or_else(|| Error::new(ErrorKind::Tenant))?;
                    Ok::<i32, Error>(row.try_get(0)?)
                })
            })
            .await?;
        Ok(TenantDatabase { database: self.clone(), name: name.clone(), key })
    }

    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { pool: pool(config)?, quick: Arc::default(), config: Arc::new(config.clone()) })
    }

    /// The same database with connections for short statements, at most [`QUICK`] for all clones: other work cannot take
    /// them all.
    pub(crate) fn quick(&self) -> Result<Self, Error> {
        let mut quick = self.clone();
        quick.pool = match self.quick.get() {
            Some(pool) => pool.clone(),
            None => {
                let made = pool(&Config { connections: QUICK, ..(*self.config).clone() })?;
                self.quick.get_or_init(|| made).clone()
            }
        };
        Ok(quick)
    }

    /// Runs `work`, one statement, which is a transaction of its own: one round trip, and its locks last no longer.
    pub(crate) async fn alone<T, E>(
        &self,
        work: impl for<'a> Fn(&'a Tx) -> Work<'a, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_for(None, Purpose::Alone, work).await
    }

    /// Runs `work` on the tables of all tenants, in a transaction that writes; see [`write_for`](Self::write_for).
    pub(crate) async fn write<T, E>(
        &self,
        work: impl for<'a> Fn(&'a Tx) -> Work<'a, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_for(None, Purpose::Write, work).await
    }

    /// Runs `work`, which only reads, in one snapshot.
    pub(crate) async fn read_for<T, E>(
        &self,
        tenant: Option<i32>,
        work: impl for<'a> FnOnce(&'a Tx) -> Work<'a, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let pool = self.pool.clone();
        spawned(async move {
            let tx = Tx::new(Session::begin(&pool, tenant, Purpose::Read).await?);
            let result = work(&tx).await;
            match result {
                Ok(value) => tx.into_session().commit().await.map(|()| value).map_err(E::from),
                Err(error) => {
                    tx.into_session().roll_back().await;
                    Err(error)
                }
            }
        })
        .await
    }

    /// Runs `work` in a transaction that writes. Commits when it succeeds, and otherwise changes nothing. `work` is
    /// done again when another transaction was in the way.
    pub(super) async fn write_for<T, E>(
        &self,
        tenant: Option<i32>,
        purpose: Purpose,
        work: impl for<'a> Fn(&'a Tx) -> Work<'a, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let pool = self.pool.clone();
        spawned(async move {
            let mut attempt = 1;
            loop {
                let tx = Tx::new(Session::begin(&pool, tenant, purpose).await?);
                let result = work(&tx).await;
                let repeat = tx.must_repeat() && attempt < ATTEMPTS;
                match result {
                    Ok(value) => {
                        tx.into_session().commit().await?;
                        return Ok(value);
                    }
                    Err(error) => {
                        tx.into_session().roll_back().await;
                        if !repeat {
                            return Err(error);
                        }
                    }
                }
                tokio::time::sleep(Duration::from_millis(u64::from(attempt * attempt))).await;
                attempt += 1;
            }
        })
        .await
    }
}

/// Runs `work` to its end, even if the caller stops waiting: no transaction is left open.
async fn spawned<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let runtime = Handle::try_current().map_err(Error::unavailable)?;
    let done = runtime.spawn(work).await;
    done.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unavailable).into()))
}

impl TenantDatabase {
    /// The name of the tenant.
    #[must_use]
    pub const fn name(&self) -> &TenantName {
        &self.name
    }

    /// The database of all tenants.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// As [`Database::read_for`], for this tenant.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl for<'a> FnOnce(&'a Tx) -> Work<'a, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.database.read_for(Some(self.key), work).await
    }

    /// As [`Database::write_for`], for this tenant. Acknowledged changes survive a crash of the server.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl for<'a> Fn(&'a Tx) -> Work<'a, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.database.write_for(Some(self.key), Purpose::Write, work).await
    }

    /// As [`write`](Self::write), for changes that may be undone by a crash of the server.
    pub(crate) async fn write_relaxed<T, E>(
        &self,
        work: impl for<'a> Fn(&'a Tx) -> Work<'a, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.database.write_for(Some(self.key), Purpose::WriteRelaxed, work).await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({:?})", self.config)
    }
}

impl fmt::Debug for TenantDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantDatabase({})", self.name)
    }
}
