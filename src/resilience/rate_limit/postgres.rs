use crate::postgres::{Database, Error};
use crate::resilience::rate_limit::rate::RateLimit;
use crate::resilience::rate_limit::reservation::{LOWERED, SharedLimit, WAITS, YIELDED, micros};
use crate::resilience::rate_limit::shared::{
    PermitReply, PermitRequest, SharedRate, SharedRateError,
};
use crate::tenant::TenantName;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The server's time in microseconds. It is read after the row is locked: a program may have waited for the lock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// No permit has a slot before this. Permits are not flushed to disk one by one: a crash of the server may lose the last
/// of them, which processes may still use within the horizon of a quarter of a second. A second after it is counted anew.
const NOT_BEFORE: &str =
    "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint + 1250000";

/// A [`SharedRate`] in a PostgreSQL database: one row for each allowance (feature `postgres`).
///
/// All processes that give the same name share one rate. They must give the same rate and burst. Times are those of
/// the database server, so clocks of the machines do not matter. Each permit is one statement, without a flush to disk.
/// In the first second after a start of the server no permit is issued.
///
/// A standby that takes over may have missed the last permits. Wait a second before the programs connect to it, or set a
/// burst that leaves room.
///
/// ```no_run
/// use nhs_pds::postgres::Database;
/// use nhs_pds::resilience::{Allowance, PostgresSharedRate, RateLimit};
/// use std::sync::Arc;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Database::connect(&"postgres://nhs_pds_app@db.example/nhs_pds".parse()?).await?;
/// let rate = PostgresSharedRate::new(&database, "pds-api".parse()?)?;
/// let allowance = Allowance::shared(RateLimit::default(), Arc::new(rate));
/// # let _ = allowance;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresSharedRate {
    database: Database,
    allowance: TenantName,
    sql: Arc<str>,
}

impl PostgresSharedRate {
    /// Creates the shared rate of the allowance of this name, such as `pds-api`. A name has the form of a tenant's. Its
    /// row is made when it is first used. All shared rates of `database` and its clones have up to eight connections of
    /// their own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::postgres::ErrorKind::Configuration) when the certificates of the
    /// database's address cannot be read again.
    pub fn new(database: &Database, allowance: TenantName) -> Result<Self, Error> {
        let sql = statement().into();
        Ok(Self { database: database.quick()?, allowance, sql })
    }

    async fn ask(
        &self,
        limit: SharedLimit,
        request: PermitRequest,
    ) -> Result<Option<PermitReply>, Error> {
        let (allowance, sql) = (self.allowance.clone(), Arc::clone(&self.sql));
        let asked = self.database.alone(move |tx| {
            let (allowance, sql) = (allowance.clone(), Arc::clone(&sql));
            Box::pin(async move {
                let row = tx
                    .first(
                        &sql,
                        &[
                            &allowance.as_str(),
                            &limit.step,
                            &limit.per_second,
                            &limit.ahead,
                            &limit.horizon,
                            &limit.longest,
                            &limit.most_yielded,
                            &!request.is_foreground,
                            &micros(request.late),
                        ],
                    )
                    .await?;
                let Some(row) = row else { return Ok(None) };
                let (is_granted, wait): (bool, i64) = (row.try_get(0)?, row.try_get(1)?);
                let wait = Duration::from_micros(u64::try_from(wait).unwrap_or_default());
                Ok::<_, Error>(Some(if is_granted {
                    PermitReply::Granted(wait)
                } else {
                    PermitReply::AskAgain(wait)
                }))
            })
        });
        asked.await
    }

    /// Makes the row, unless another process has made it.
    async fn make(&self) -> Result<(), Error> {
        let allowance = self.allowance.clone();
        let made = self.database.alone(move |tx| {
            let allowance = allowance.clone();
            Box::pin(async move {
                let sql =
                    "INSERT INTO nhs_pds.rate_limit (allowance) VALUES ($1) ON CONFLICT DO NOTHING";
                tx.execute(sql, &[&allowance.as_str()]).await
            })
        });
        made.await.map(drop)
    }
}

#[async_trait]
impl SharedRate for PostgresSharedRate {
    async fn next(
        &self,
        limit: &RateLimit,
        request: &PermitRequest,
    ) -> Result<PermitReply, SharedRateError> {
        let limit = SharedLimit::of(limit);
        if let Some(reply) = self.ask(limit, *request).await.map_err(SharedRateError::new)? {
            return Ok(reply);
        }
        self.make().await.map_err(SharedRateError::new)?;
        let reply = self.ask(limit, *request).await.map_err(SharedRateError::new)?;
        reply.ok_or_else(|| SharedRateError::new("the row of the allowance was deleted"))
    }
}

impl fmt::Debug for PostgresSharedRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresSharedRate({}, {:?})", self.allowance, self.database)
    }
}

/// The rule of `reservation.rs`, as one statement. Returns whether a permit is reserved, and the wait.
///
/// 1 allowance, 2 step, 3 permits a second, 4 ahead, 5 horizon, 6 longest, 7 most yielded, 8 is background, 9 late.
fn statement() -> String {
    format!(
        "WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
         locked AS MATERIALIZED (SELECT * FROM nhs_pds.rate_limit WHERE allowance = $1 FOR UPDATE),
         timed AS MATERIALIZED (SELECT locked.*, {NOW} AS now, {NOT_BEFORE} AS not_before FROM locked),
         announced AS (SELECT timed.*,
             greatest($9::bigint, CASE WHEN now < late_until THEN late ELSE 0 END) AS late_now FROM timed),
         stepped AS (SELECT announced.*,
             $2::bigint + (late_now + $3::bigint - 1) / $3::bigint AS step FROM announced),
         bounded AS (SELECT stepped.*,
             least(tat, now + $4::bigint + $6::bigint + step) AS ahead FROM stepped),
         slotted AS (SELECT bounded.*, greatest(now, ahead - $4::bigint, not_before) AS slot,
             CASE WHEN $8::boolean AND yielded < {YIELDED} THEN $5::bigint ELSE $6::bigint END AS reach FROM bounded),
         ruled AS (SELECT slotted.*, slot - now <= reach AS granted FROM slotted)
         UPDATE nhs_pds.rate_limit AS kept SET
             tat = CASE WHEN granted THEN greatest(ahead, slot) + step ELSE ahead END,
             yielded = CASE WHEN NOT granted THEN ruled.yielded
                 WHEN $8::boolean THEN greatest(ruled.yielded - {YIELDED}, 0)
                 WHEN now < ruled.background_waits_until THEN least(ruled.yielded + 1, $7::bigint)
                 ELSE 0 END,
             background_waits_until = CASE WHEN $8::boolean THEN now + $5::bigint + {WAITS}
                 ELSE ruled.background_waits_until END,
             late = CASE WHEN granted AND late_now > 0 THEN late_now ELSE ruled.late END,
             late_until = CASE WHEN granted AND $9::bigint > 0 THEN greatest(ruled.late_until, slot + {LOWERED})
                 ELSE ruled.late_until END
         FROM ruled, relaxed WHERE kept.allowance = ruled.allowance
         RETURNING granted, CASE WHEN granted THEN slot - now
             ELSE greatest(least(slot - now - reach, $5::bigint), 1) END"
    )
}
