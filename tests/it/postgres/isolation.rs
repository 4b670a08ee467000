//! No tenant sees or changes another's rows, whatever SQL the role of the programs sends.

use super::{Server, config};
use crate::support::postgres::{APPLICATION, Database, OWNER, OwnServer, Sql};
use crate::support::service::{case, us};
use chrono::TimeDelta;
use nhs_pds::audit::{Actor, Filter};
use nhs_pds::case::{CaseFilter, CaseId, Change, Lease, NumberSource, RecordedNumber, Setting};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use nhs_pds::postgres::{self, Config, ErrorKind};
use nhs_pds::process::import;
use nhs_pds::process::store::{Postgres, Store};
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use std::num::NonZeroUsize;
use std::time::Duration;

/// Tables of all tenants, with nothing of a person.
const SHARED: [&str; 3] = ["rate_limit", "schema_version", "tenant"];

/// The statement needs a right that the role does not have, or a row is not the tenant's.
const REFUSED: &str = "42501 ";

fn number(place: usize) -> NhsNumber {
    Synthetic::from_seed(15).nth(place).unwrap()
}

/// Two tenants whose names differ in one character. Each has rows in every table of one tenant.
struct Boroughs {
    server: Server,
    /// The tables of one tenant.
    tables: Vec<String>,
    /// The numbers of both.
    keys: [String; 2],
    stores: [Postgres; 2],
}

impl Boroughs {
    async fn new() -> Option<Self> {
        let server = Server::new().await?;
        let mut stores = Vec::new();
        for name in ["leeds", "leedt"] {
            let tenant = Tenant::new(name.parse().unwrap(), "RHM".parse().unwrap());
            PostgresTenants::new(server.program.clone()).add(&tenant).await.unwrap();
            let store = Postgres::new(server.program.tenant(&tenant.name).await.unwrap());
            fill(&store).await;
            stores.push(store);
        }
        let all = server.sql("SELECT 1");
        let tables = all.rows(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'nhs_pds' AND c.relkind IN ('r', 'p', 'f', 'm', 'v') ORDER BY 1",
        );
        let tables = tables.into_iter().flatten();
        let tables = tables.filter(|name| !SHARED.contains(&name.as_str())).collect();
        let key = |name| {
            all.first(&format!("SELECT tenant::text FROM nhs_pds.tenant WHERE name = '{name}'"))
        };
        let keys = [key("leeds"), key("leedt")];
        Some(Self { server, tables, keys, stores: stores.try_into().unwrap() })
    }

    fn application(&self) -> Sql {
        Sql::connect(&self.server.database.application().parse().unwrap())
    }

    fn owner(&self) -> Sql {
        Sql::connect(&self.server.database.owner().parse().unwrap())
    }

    /// All rows of all tenants in a table, as a superuser sees them.
    fn truth(&self, table: &str) -> Vec<Vec<String>> {
        self.server
            .sql("SELECT 1")
            .rows(&format!("SELECT t::text FROM nhs_pds.{table} t ORDER BY 1"))
    }

    fn count(&self, table: &str, tenant: &str) -> String {
        let count = format!("SELECT count(*)::text FROM nhs_pds.{table} WHERE tenant = {tenant}");
        self.server.sql("SELECT 1").first(&count)
    }

    /// The columns of a table that an insert may name, without the tenant.
    fn columns(&self, table: &str) -> String {
        self.server.sql("SELECT 1").first(&format!(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
             WHERE attrelid = 'nhs_pds.{table}'::regclass AND attnum > 0 AND NOT attisdropped
                 AND attgenerated = '' AND attidentity = '' AND attname <> 'tenant'"
        ))
    }
}

/// Writes at least one row of each kind.
async fn fill(store: &Postgres) {
    let cases = ["1", "2"].map(|id| {
        let mut case = case(id);
        case.nhs_number = Some(RecordedNumber::new(number(0), NumberSource::Imported(None)));
        case
    });
    let actor = Actor::new(&us(), "Import");
    import(store, &actor, &SystemClock, cases.to_vec()).await.unwrap();
    store.cases().save_setting("colour", Setting::new("blue")).await.unwrap();
}

/// Does `statement` as the role of the programs in a transaction that names `tenant`, and rolls back.
fn as_tenant(sql: &Sql, tenant: &str, statement: &str) -> Result<Vec<Vec<String>>, String> {
    sql.execute("BEGIN");
    sql.execute(&format!("SET LOCAL nhs_pds.tenant = '{tenant}'"));
    let result = sql.try_rows(statement);
    sql.execute("ROLLBACK");
    result
}

/// How many rows a statement changes, or the right that it needs.
fn changed(sql: &Sql, tenant: &str, statement: &str) -> Result<usize, String> {
    as_tenant(sql, tenant, &format!("{statement} RETURNING 1")).map(|rows| rows.len())
}

fn is_refused<T>(result: Result<T, String>) -> bool {
    result.is_err_and(|error| error.starts_with(REFUSED))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_one_tenant_has_a_policy_that_is_forced() {
    let Some(boroughs) = Boroughs::new().await else { return };
    assert!(boroughs.tables.len() >= 10, "{:?}", boroughs.tables);
    let all = boroughs.server.sql("SELECT 1");
    for table in &boroughs.tables {
        let security = all.rows(&format!(
            "SELECT relkind::text, relrowsecurity::text, relforcerowsecurity::text,
                 (SELECT count(*)::text FROM pg_policy WHERE polrelid = c.oid),
                 (SELECT bool_and(polpermissive AND polcmd = '*' AND polroles = '{{0}}')::text
                  FROM pg_policy WHERE polrelid = c.oid)
             FROM pg_class c WHERE oid = 'nhs_pds.{table}'::regclass"
        ));
        assert_eq!(security, [["r", "true", "true", "1", "true"]], "{table}");
        for key in &boroughs.keys {
            assert_ne!(boroughs.count(table, key), "0", "the test writes no row into {table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tenant_no_row_is_seen_changed_or_added() {
    let Some(boroughs) = Boroughs::new().await else { return };
    let sql = boroughs.application();
    for table in &boroughs.tables {
        let (count, columns) =
            (format!("SELECT count(*)::text FROM nhs_pds.{table}"), boroughs.columns(table));
        assert_eq!(sql.first(&count), "0", "{table}");
        for tenant in ["", "0", "-1", "999999"] {
            assert_eq!(as_tenant(&sql, tenant, &count).unwrap(), [["0"]], "{table} {tenant:?}");
            for change in ["DELETE FROM", "UPDATE"] {
                let set = if change == "UPDATE" { "SET tenant = tenant" } else { "" };
                let change = format!("{change} nhs_pds.{table} {set}");
                let done = changed(&sql, tenant, &change);
                assert!(done == Ok(0) || is_refused(done), "{table} {change} {tenant:?}");
            }
        }
        // What is not a number fails the statement.
        assert!(as_tenant(&sql, "leeds", &count).is_err(), "{table}");
        let [key, _] = &boroughs.keys;
        for source in ["NULL".to_owned(), key.clone()] {
            // The row of a superuser's view, with the tenant that no transaction has named.
            let added = insert(&boroughs, table, &columns, &source);
            let error = as_tenant(&sql, "", &added).unwrap_err();
            assert!(error.starts_with(REFUSED), "{table}: {error}");
        }
    }
}

/// An insert of a row of the first tenant for `tenant`, with literal values.
fn insert(boroughs: &Boroughs, table: &str, columns: &str, tenant: &str) -> String {
    let quoted: Vec<String> =
        columns.split(", ").map(|column| format!("quote_nullable({column})")).collect();
    let [key, _] = &boroughs.keys;
    let values = if quoted == ["quote_nullable()"] {
        String::new()
    } else {
        let select = format!(
            "SELECT concat_ws(', ', {}) FROM nhs_pds.{table} WHERE tenant = {key} LIMIT 1",
            quoted.join(", ")
        );
        boroughs.server.sql("SELECT 1").first(&select)
    };
    format!("INSERT INTO nhs_pds.{table} (tenant, {columns}) VALUES ({tenant}, {values})")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reaches_the_rows_of_another_tenant() {
    let Some(boroughs) = Boroughs::new().await else { return };
    let sql = boroughs.application();
    let [mine, other] = &boroughs.keys;
    for table in &boroughs.tables {
        let before = boroughs.truth(table);
        let count = |condition: &str| {
            let count = format!("SELECT count(*)::text FROM nhs_pds.{table} WHERE {condition}");
            as_tenant(&sql, mine, &count).unwrap()
        };
        assert_eq!(count("true"), [[boroughs.count(table, mine)]], "{table}");
        assert_eq!(count(&format!("tenant <> {mine}")), [["0"]], "{table}");
        // A condition must not run before the policy and tell of a row.
        let told = format!(
            "SELECT 1 FROM nhs_pds.{table} WHERE tenant = {other} AND 1 / (tenant - {other}) > 0"
        );
        assert_eq!(as_tenant(&sql, mine, &told), Ok(Vec::new()), "{table}");
        for change in [
            format!("DELETE FROM nhs_pds.{table} WHERE tenant = {other}"),
            format!("UPDATE nhs_pds.{table} SET tenant = tenant WHERE tenant = {other}"),
        ] {
            let done = changed(&sql, mine, &change);
            assert!(done == Ok(0) || is_refused(done), "{change}");
        }
        let columns = boroughs.columns(table);
        let added = insert(&boroughs, table, &columns, other);
        let error = as_tenant(&sql, mine, &added).unwrap_err();
        assert!(error.starts_with(REFUSED), "{table}: {error}");
        let moved = format!("UPDATE nhs_pds.{table} SET tenant = {other}");
        assert!(is_refused(changed(&sql, mine, &moved)), "{moved}");
        for statement in [
            format!("COPY nhs_pds.{table} TO '/tmp/nhs_pds_isolation'"),
            format!("SET row_security = off; SELECT * FROM nhs_pds.{table}"),
            format!("SELECT * FROM nhs_pds.{table} FOR UPDATE"),
        ] {
            let seen = as_tenant(&sql, "", &statement);
            assert!(seen == Ok(Vec::new()) || is_refused(seen), "{statement}");
        }
        assert_eq!(boroughs.truth(table), before, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_the_programs_cannot_change_the_rules() {
    let Some(boroughs) = Boroughs::new().await else { return };
    let sql = boroughs.application();
    let [mine, _] = &boroughs.keys;
    let mut statements: Vec<String> = [
        "CREATE TABLE nhs_pds.own (id integer)",
        "CREATE FUNCTION nhs_pds.own() RETURNS integer LANGUAGE sql RETURN 1",
        "CREATE OR REPLACE FUNCTION nhs_pds.current_tenant() RETURNS integer LANGUAGE sql RETURN 1",
        "ALTER FUNCTION nhs_pds.current_tenant() OWNER TO current_user",
        "DROP FUNCTION nhs_pds.current_tenant() CASCADE",
        "DROP SCHEMA nhs_pds CASCADE",
        "CREATE SCHEMA own",
        "CREATE TABLE public.own (id integer)",
        "UPDATE nhs_pds.schema_version SET version = 0",
        "DELETE FROM nhs_pds.tenant",
        "DELETE FROM nhs_pds.rate_limit",
        "UPDATE nhs_pds.audit_event SET kind = ''",
        "UPDATE nhs_pds.audit_event SET tenant = tenant",
        "DELETE FROM nhs_pds.audit_event",
        "DELETE FROM nhs_pds.audit_anchor",
        "DELETE FROM nhs_pds.cases",
        "SET session_replication_role = replica",
    ]
    .map(str::to_owned)
    .into();
    let other = "SET SESSION AUTHORIZATION";
    statements.extend([OWNER, "postgres"].map(|role| format!("SET ROLE {role}")));
    statements.extend([OWNER, "postgres"].map(|role| format!("{other} {role}")));
    statements.push(format!("ALTER ROLE {APPLICATION} BYPASSRLS"));
    statements.push(format!("GRANT {OWNER} TO {APPLICATION}"));
    for table in boroughs.tables.iter().map(String::as_str).chain(SHARED) {
        for change in [
            "ALTER TABLE nhs_pds.T DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE nhs_pds.T NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE nhs_pds.T DISABLE TRIGGER ALL",
            "DROP POLICY tenant ON nhs_pds.T",
            "ALTER POLICY tenant ON nhs_pds.T USING (true)",
            "CREATE POLICY own ON nhs_pds.T USING (true)",
            "CREATE TRIGGER own AFTER INSERT ON nhs_pds.T EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "CREATE RULE own AS ON SELECT TO nhs_pds.T DO INSTEAD NOTHING",
            "TRUNCATE nhs_pds.T",
            "DROP TABLE nhs_pds.T",
        ] {
            statements.push(change.replace(".T", &format!(".{table}")));
        }
    }
    for statement in statements {
        let error = as_tenant(&sql, mine, &statement).expect_err(&statement);
        // Not allowed, no such role, or no such policy on a table of all tenants.
        let is_refused = [REFUSED, "22023 ", "42704 "].iter().any(|code| error.starts_with(code));
        assert!(is_refused, "{statement}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_sees_one_tenant_at_a_time_too() {
    let Some(boroughs) = Boroughs::new().await else { return };
    let sql = boroughs.owner();
    let [mine, other] = &boroughs.keys;
    for table in &boroughs.tables {
        let count = format!("SELECT count(*)::text FROM nhs_pds.{table}");
        assert_eq!(sql.first(&count), "0", "{table}");
        let seen = as_tenant(&sql, mine, &count).unwrap();
        assert_eq!(seen, [[boroughs.count(table, mine)]], "{table}");
        let change = format!("DELETE FROM nhs_pds.{table} WHERE tenant = {other}");
        assert_eq!(changed(&sql, mine, &change), Ok(0), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_ids_in_two_tenants_are_different_cases() {
    let Some(boroughs) = Boroughs::new().await else { return };
    let [one, other] = &boroughs.stores;
    let id: CaseId = "1".parse().unwrap();
    let mut changed = one.cases().get(&id).await.unwrap().unwrap();
    changed.surname = Some("Changed".to_owned());
    one.cases().save(&changed).await.unwrap();
    let kept = other.cases().get(&id).await.unwrap().unwrap();
    assert_eq!(kept.surname.as_deref(), Some("Aindow"));
    // Both have a sole holder of one number: numbers are locked and compared within a tenant.
    for store in [one, other] {
        let mut case = case("9");
        case.nhs_number = Some(RecordedNumber::new(number(9), NumberSource::Imported(None)));
        store.cases().save_all(vec![Change::as_sole_holder(case)]).await.unwrap();
        assert_eq!(store.cases().holders(number(9)).await.unwrap(), ["9".parse().unwrap()]);
    }
    assert!(other.audit().verify(&[]).await.unwrap().is_whole());
    let events = |store: &Postgres| {
        let store = store.clone();
        async move { store.audit().page(&Filter::new(), 0, 1_000).await.unwrap().len() }
    };
    assert_eq!(events(one).await, events(other).await);
}

/// A role of the server, which is dropped at the end.
struct Role<'a>(&'a Sql, &'a str);

impl<'a> Role<'a> {
    fn new(sql: &'a Sql, name: &'a str, with: &str) -> Self {
        sql.execute(&format!("CREATE ROLE {name} LOGIN {with}"));
        Self(sql, name)
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let Self(sql, name) = self;
        let _dropped = sql.try_rows(&format!("DROP OWNED BY {name}"));
        let _dropped = sql.try_rows(&format!("DROP ROLE {name}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_could_see_all_tenants_is_refused() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    let roles = [
        Role::new(&sql, "bypasses", "BYPASSRLS"),
        Role::new(&sql, "member_of_owner", &format!("IN ROLE {OWNER}")),
        Role::new(&sql, "distant_member", "NOINHERIT IN ROLE member_of_owner"),
        Role::new(&sql, "member_of_superuser", "NOINHERIT IN ROLE postgres"),
        Role::new(&sql, "member_of_bypasses", "NOINHERIT IN ROLE bypasses"),
    ];
    let owner: Config = database.owner().parse().unwrap();
    let names = roles.iter().map(|Role(_, name)| *name).chain([OWNER, "postgres"]);
    for name in names {
        let config: Config = database.application().replace(APPLICATION, name).parse().unwrap();
        let error = postgres::Database::connect(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Role, "{name}");
        let error = postgres::Database::prepare(&owner, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Role, "{name}");
    }
    // A role without a right is not a danger.
    let stranger = Role::new(&sql, "stranger", "");
    let config: Config = database.application().replace(APPLICATION, stranger.1).parse().unwrap();
    let error = postgres::Database::connect(&config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_other_policies_or_rights_is_refused() {
    let Some(server) = Server::new().await else { return };
    let config = config(&server.database);
    for (off, on) in [
        ("DISABLE ROW LEVEL SECURITY", "ENABLE ROW LEVEL SECURITY"),
        ("NO FORCE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY"),
    ] {
        server.sql(&format!("ALTER TABLE nhs_pds.case_item {off}"));
        let error = postgres::Database::connect(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{off}");
        server.sql(&format!("ALTER TABLE nhs_pds.case_item {on}"));
        postgres::Database::connect(&config).await.unwrap();
    }
    let role = APPLICATION;
    for (wrong, right) in [
        ("CREATE POLICY spy ON nhs_pds.cases USING (true)", "DROP POLICY spy ON nhs_pds.cases"),
        (
            "ALTER POLICY tenant ON nhs_pds.cases USING (true)",
            "ALTER POLICY tenant ON nhs_pds.cases USING (tenant = nhs_pds.current_tenant())",
        ),
        (
            &format!("GRANT DELETE ON nhs_pds.audit_event TO {role}"),
            &format!("REVOKE DELETE ON nhs_pds.audit_event FROM {role}"),
        ),
        (
            &format!("GRANT UPDATE (seq) ON nhs_pds.audit_event TO {role}"),
            &format!("REVOKE UPDATE (seq) ON nhs_pds.audit_event FROM {role}"),
        ),
    ] {
        server.sql(wrong);
        let error = postgres::Database::connect(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{wrong}");
        server.sql(right);
        postgres::Database::connect(&config).await.unwrap();
    }
    server.sql("DROP POLICY tenant ON nhs_pds.setting");
    let error = postgres::Database::connect(&config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
}

/// Replaces the table that every check reads by a view, which has another version while a tenant is named.
fn watch_for_tenants(database: &Database) {
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    sql.execute("ALTER TABLE nhs_pds.schema_version RENAME TO real_version");
    sql.execute(&format!(
        "CREATE VIEW nhs_pds.schema_version AS SELECT 1 AS id,
             CASE WHEN coalesce(current_setting('nhs_pds.tenant', true), '') = ''
                 THEN {} ELSE 99 END AS version",
        sql.first("SELECT version::text FROM nhs_pds.real_version")
    ));
    sql.execute(&format!("GRANT SELECT ON nhs_pds.schema_version TO {APPLICATION}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_in_the_pool_keeps_no_tenant() {
    let Some(database) = Database::prepared() else { return };
    watch_for_tenants(&database);
    // One connection, so that each call has that of the call before.
    let config = config(&database).with_connections(NonZeroUsize::MIN);
    let program = postgres::Database::connect(&config).await.unwrap();
    let tenant = Tenant::new("leeds".parse().unwrap(), "RHM".parse().unwrap());
    PostgresTenants::new(program.clone()).add(&tenant).await.unwrap();
    let store = Postgres::new(program.tenant(&tenant.name).await.unwrap());
    let cases = store.cases();
    cases.insert_all(vec![case("1")]).await.unwrap();
    program.check().await.unwrap();
    // Refused by the store, and by the database.
    assert!(cases.insert_all(vec![case("1")]).await.is_err());
    program.check().await.unwrap();
    assert!(cases.save_setting("a\0b", Setting::new("x")).await.is_err());
    program.check().await.unwrap();
    // Dropped at any moment, as at the end of a task.
    for micros in (0..4_000).step_by(100) {
        let call = cases.insert_all(vec![case(&format!("c{micros}"))]);
        let _dropped = tokio::time::timeout(Duration::from_micros(micros), call).await;
        program.check().await.unwrap();
    }
    // Dropped by a panic.
    let (panicking, id) = (store.clone(), "1".parse::<CaseId>().unwrap());
    let panicked = tokio::spawn(async move {
        let reading = panicking.cases().get(&id);
        tokio::select! {
            _ = reading => panic!("as a program may"),
            () = tokio::time::sleep(Duration::from_micros(300)) => panic!("as a program may"),
        }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    program.check().await.unwrap();
    // The view does notice a tenant.
    let sql = Sql::connect(&database.application().parse().unwrap());
    let version = "SELECT version::text FROM nhs_pds.schema_version";
    assert_eq!(as_tenant(&sql, "1", version).unwrap(), [["99"]]);
}

/// Texts that would be more than a text where SQL is put together.
const HOSTILE: [&str; 5] = [
    "'; DROP SCHEMA nhs_pds CASCADE; --",
    "\"; DROP SCHEMA nhs_pds CASCADE; --",
    "$$; DROP SCHEMA nhs_pds CASCADE; --",
    "1' OR tenant <> 0 --",
    "\\'; SET nhs_pds.tenant = '2'; --",
];

#[tokio::test(flavor = "multi_thread")]
async fn names_are_never_sql() {
    let Some(boroughs) = Boroughs::new().await else { return };
    let [store, other] = &boroughs.stores;
    let before = other.cases().page(None, 100).await.unwrap();
    for text in HOSTILE {
        let id: CaseId = text.parse().unwrap();
        let mut new = case(text);
        (new.surname, new.postcode) = (Some(text.to_owned()), Some(text.to_owned()));
        import(store, &Actor::new(&us(), text), &SystemClock, vec![new]).await.unwrap();
        let stored = store.cases().get(&id).await.unwrap().unwrap();
        assert_eq!(stored.surname.as_deref(), Some(text));
        let surname = CaseFilter::default().with_surname(text);
        let found = store.cases().search(&surname, None, 10).await.unwrap();
        assert!(found.iter().any(|case| case.id == id), "{text}");
        store.cases().save_setting(text, Setting::new(text)).await.unwrap();
        assert_eq!(store.cases().setting(text).await.unwrap().unwrap().value, text);
        let lease = Lease::new(text, SystemClock.now(), SystemClock.now() + TimeDelta::minutes(1));
        assert_eq!(store.cases().claim(&id, &lease).await.unwrap().cases.len(), 1);
        assert_eq!(store.cases().renew(&lease).await.unwrap(), 1);
        store.cases().release(text, std::slice::from_ref(&id)).await.unwrap();
        let user = Filter::new().with_user(text);
        assert!(store.audit().page(&user, 0, 10).await.unwrap().is_empty());
        assert!(text.parse::<nhs_pds::tenant::TenantName>().is_err(), "{text}");
        let owner: Config = boroughs.server.database.owner().parse().unwrap();
        let error = postgres::Database::prepare(&owner, text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
    }
    assert_eq!(other.cases().page(None, 100).await.unwrap(), before);
    boroughs.server.program.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_any_name_is_given_its_rights() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    let role = Role::new(&sql, "\"it's; a \"\"role\"\"\"", "");
    let owner: Config = database.owner().parse().unwrap();
    let name = sql.first("SELECT rolname FROM pg_roles WHERE rolname LIKE 'it%'");
    postgres::Database::prepare(&owner, &name).await.unwrap();
    let may = format!(
        "SELECT has_table_privilege(oid, 'nhs_pds.cases', 'INSERT')::text FROM pg_roles WHERE rolname = {}",
        format_args!("'{}'", name.replace('\'', "''"))
    );
    assert_eq!(sql.first(&may), "true");
    drop(role);
}
