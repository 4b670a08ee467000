//! The tables, their migrations, and the rights of the roles.

use crate::postgres::error::{Error, ErrorKind};
use crate::postgres::work::Tx;

/// The migrations, each from one version of the schema to the next.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../migrations/postgres/0001_schema.sql"),
    include_str!("../../migrations/postgres/0002_oldest_first.sql"),
    include_str!("../../migrations/postgres/0003_batch.sql"),
];

/// The number of the advisory lock that one migration has at a time: the letters `nhs_pds`.
const LOCK: i64 = 0x006e_6873_5f70_6473;

/// What the programs may do with each table. No row of the trail is changed or deleted.
const RIGHTS: [(&str, &str); 15] = [
    ("schema_version", "SELECT"),
    ("tenant", "SELECT, INSERT, UPDATE"),
    ("rate_limit", "SELECT, INSERT, UPDATE"),
    ("cases", "SELECT, INSERT, UPDATE"),
    ("case_due", "SELECT, INSERT, UPDATE"),
    ("case_item", "SELECT, INSERT, UPDATE, DELETE"),
    ("case_item_count", "SELECT, INSERT, DELETE"),
    ("case_search", "SELECT, INSERT, UPDATE"),
    ("case_worker", "SELECT, INSERT, DELETE"),
    ("setting", "SELECT, INSERT, UPDATE"),
    ("audit_event", "SELECT, INSERT"),
    ("audit_anchor", "SELECT, INSERT, UPDATE"),
    ("audit_subject", "SELECT, INSERT, UPDATE, DELETE"),
    ("audit_subject_number", "SELECT, INSERT, DELETE"),
    ("alert", "SELECT, INSERT, UPDATE, DELETE"),
];

/// Makes the tables or brings them up to date, and gives `role` its rights.
pub(super) async fn prepare(tx: &Tx, role: &str) -> Result<(), Error> {
    tx.batch("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    tx.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let quoted = usable_role(tx, role).await?;
    tx.batch(
        "CREATE SCHEMA IF NOT EXISTS nhs_pds;
         CREATE TABLE IF NOT EXISTS nhs_pds.schema_version (
             id integer PRIMARY KEY CHECK (id = 1), version integer NOT NULL);
         INSERT INTO nhs_pds.schema_version (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
         REVOKE ALL ON SCHEMA nhs_pds FROM PUBLIC",
    )
    .await?;
    let done = version(tx).await?.unwrap_or_default();
    for migration in MIGRATIONS.iter().skip(done) {
        tx.batch(migration).await?;
    }
    let all = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    tx.execute("UPDATE nhs_pds.schema_version SET version = $1", &[&all]).await?;
    let mut rights = format!("GRANT USAGE ON SCHEMA nhs_pds TO {quoted};");
    for (table, right) in RIGHTS {
        rights.push_str(&format!("GRANT {right} ON nhs_pds.{table} TO {quoted};"));
    }
    tx.batch(&rights).await
}

/// The role, quoted, if it exists, is not the one that prepares, and sees no rows that it should not.
async fn usable_role(tx: &Tx, role: &str) -> Result<String, Error> {
    let sql =
        "SELECT quote_ident(r.rolname), pg_has_role(r.oid, current_user, 'MEMBER') OR EXISTS (
                   SELECT FROM pg_roles AS all_seeing WHERE (rolsuper OR rolbypassrls)
                       AND pg_has_role(r.oid, all_seeing.oid, 'MEMBER'))
               FROM pg_roles AS r WHERE r.rolname = $1";
    let Some(row) = tx.first(sql, &[&role]).await? else {
        return Err(Error::configuration("there is no such role"));
    };
    if row.try_get::<_, bool>(1)? {
        return Err(Error::new(ErrorKind::Role));
    }
    Ok(row.try_get(0)?)
}

/// Whether the schema is of this version, and the role sees one tenant's rows at a time.
pub(super) async fn check(tx: &Tx) -> Result<(), Error> {
    // A member may become the role. A superuser is a member of all.
    let sql = "SELECT EXISTS (SELECT FROM pg_roles WHERE (rolsuper OR rolbypassrls)
                   AND pg_has_role(oid, 'MEMBER'))
               OR coalesce(pg_has_role(
                   (SELECT c.relowner FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'nhs_pds' AND c.relname = 'cases'), 'MEMBER'), false)";
    let sees_all = tx.first(sql, &[]).await?.map(|row| row.try_get::<_, bool>(0)).transpose()?;
    if sees_all.unwrap_or(true) {
        return Err(Error::new(ErrorKind::Role));
    }
    if version(tx).await? != Some(MIGRATIONS.len()) {
        return Err(Error::new(ErrorKind::Schema));
    }
    check_policies(tx).await?;
    check_trail(tx).await
}

/// Whether the role cannot change or remove rows of the trail.
async fn check_trail(tx: &Tx) -> Result<(), Error> {
    let sql = "SELECT has_table_privilege('nhs_pds.audit_event', 'UPDATE, DELETE, TRUNCATE')
                   OR has_any_column_privilege('nhs_pds.audit_event', 'UPDATE')";
    let may = tx.first(sql, &[]).await?.map(|row| row.try_get::<_, bool>(0)).transpose()?;
    if may.unwrap_or(true) {
        return Err(Error::new(ErrorKind::Schema).with_source(
            "the role may change the audit trail: revoke UPDATE, DELETE and TRUNCATE on nhs_pds.audit_event",
        ));
    }
    Ok(())
}

/// Whether row-level security is on for every table with rows of tenants, and no other policy shows more rows. Policies
/// are joined by OR, so one with `true` would show all.
async fn check_policies(tx: &Tx) -> Result<(), Error> {
    let sql = "SELECT FROM pg_class AS c
               JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
               WHERE c.relnamespace = to_regnamespace('nhs_pds') AND c.relkind IN ('r', 'p')
                   AND c.relname <> 'tenant' AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                       AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polpermissive)
                       AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polpermissive
                           AND (polname <> 'tenant' OR polwithcheck IS NOT NULL
                               OR coalesce(pg_get_expr(polqual, polrelid), '') NOT IN (
                                   '(tenant = nhs_pds.current_tenant())', '(tenant = current_tenant())'))))
               LIMIT 1";
    match tx.first(sql, &[]).await? {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Schema).with_source(
            "row-level security of a table is off, or it has another policy: turn it on, and drop that policy",
        )),
    }
}

/// The number of migrations done; `None` when the database was never prepared.
async fn version(tx: &Tx) -> Result<Option<usize>, Error> {
    let exists = tx.first("SELECT to_regclass('nhs_pds.schema_version') IS NOT NULL", &[]).await?;
    let exists = exists.map(|row| row.try_get::<_, bool>(0)).transpose()?;
    if exists != Some(true) {
        return Ok(None);
    }
    let row = tx.first("SELECT version FROM nhs_pds.schema_version", &[]).await?;
    let done = row.map(|row| row.try_get::<_, i32>(0)).transpose()?.unwrap_or_default();
    match usize::try_from(done) {
        Ok(done) if done <= MIGRATIONS.len() => Ok(Some(done)),
        _ => Err(Error::new(ErrorKind::Schema)),
    }
}
