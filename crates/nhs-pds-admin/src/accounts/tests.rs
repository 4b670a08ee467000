//! Signing in, sessions and administration, over a store in memory with a clock that the test sets.

use super::*;
use crate::identity::Identity;
use crate::rights::Role;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::MemoryStore;
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;

const PASSWORD: &str = "correct gannet tripod";
const NEW: &str = "lantern obey quartz mist";
/// Of five digits, so that it is never the right code by chance.
const NO_CODE: &str = "00000";

struct World {
    accounts: Accounts,
    clock: Arc<FixedClock>,
    log: Arc<MemoryLog>,
    seed: Vec<u8>,
}

impl World {
    /// With the administrator `ann`.
    async fn new() -> Self {
        let log = Arc::new(MemoryLog::new());
        let alerts = Arc::new(MemoryAlerts::default());
        let store = Joined::new(Arc::new(MemoryStore::new()), Arc::clone(&log) as _, alerts);
        let clock = Arc::new(FixedClock::at("2026-11-30T09:00:00Z".parse().unwrap()));
        let accounts = Accounts::new(Arc::new(store), "RHM".parse().unwrap())
            .with_clock(Arc::clone(&clock) as _);
        let seed = add(&accounts, "ann", Role::Administrator).await;
        Self { accounts, clock, log, seed }
    }

    fn typed(&self, password: &str, code: &str) -> Credentials {
        Credentials {
            user: "ann".into(),
            password: text(password),
            code: text(code),
            device: "192.0.2.1".into(),
        }
    }

    fn advance(&self, by: TimeDelta) {
        self.clock.set(self.clock.now() + by);
    }

    /// The code of now.
    fn code(&self) -> String {
        code_of(&self.seed, self.clock.now())
    }

    async fn try_with(&self, password: &str, code: &str) -> SignIn {
        self.accounts.sign_in(&self.typed(password, code)).await.unwrap()
    }

    /// Waits for the next code, signs in and returns the cookie.
    async fn sign_in(&self) -> String {
        self.advance(TimeDelta::seconds(30));
        match self.try_with(PASSWORD, &self.code()).await {
            SignIn::Done(cookie) => cookie.expose().clone(),
            _ => panic!("not signed in"),
        }
    }

    async fn identify(&self, cookie: &str) -> Option<Person> {
        self.accounts.identify(&with_cookie(&self.accounts, cookie)).await.unwrap()
    }

    async fn kinds(&self) -> Vec<EventKind> {
        let events = self.log.page(&Filter::new(), 0, 1000).await.unwrap();
        events.iter().map(|event| event.kind).collect()
    }
}

async fn add(accounts: &Accounts, id: &str, role: Role) -> Vec<u8> {
    let new = NewAccount::new(id, role, "RHM".parse().unwrap());
    let address = accounts.add(&new, &text(PASSWORD), &accounts.program()).await.unwrap();
    let secret =
        address.expose().split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    totp_rs::Secret::try_from_base32(secret).unwrap().as_bytes().to_vec()
}

/// By another implementation of RFC 6238 than the code under test would be too much; the vectors are in `code`.
fn code_of(seed: &[u8], at: DateTime<Utc>) -> String {
    let totp = totp_rs::Builder::new().with_secret(seed.to_vec()).build_noncompliant();
    totp.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
}

fn with_cookie(accounts: &Accounts, value: &str) -> http::request::Parts {
    let cookie = format!("other=1; {}={value}", accounts.cookie_name());
    http::Request::builder().header("cookie", cookie).body(()).unwrap().into_parts().0
}

fn administrator(world: &World, id: &str) -> Administrator {
    Administrator { id: id.into(), actor: world.accounts.program() }
}

#[tokio::test]
async fn password_and_code_begin_a_session_that_sign_out_ends() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let person = world.identify(&cookie).await.unwrap();
    assert_eq!((person.role, person.name.as_str()), (Role::Administrator, "ann"));
    let session = person.session.unwrap();
    assert!(!cookie.contains(&session), "the name of a session is not its secret");
    world.accounts.sign_out("ann", &session, "192.0.2.1").await.unwrap();
    assert!(world.identify(&cookie).await.is_none());
    let kinds = world.kinds().await;
    assert!(kinds.contains(&EventKind::SignedIn) && kinds.contains(&EventKind::SignedOut));
}

#[tokio::test]
async fn a_wrong_part_begins_nothing_and_is_on_record() {
    let world = World::new().await;
    let code = world.code();
    for (password, code) in [(NEW, code.as_str()), (PASSWORD, NO_CODE), ("", "")] {
        assert!(matches!(world.try_with(password, code).await, SignIn::Refused));
    }
    let mut unknown = world.typed(PASSWORD, &code);
    unknown.user = "correct gannet tripod".into();
    assert!(matches!(world.accounts.sign_in(&unknown).await.unwrap(), SignIn::Refused));
    let events =
        world.log.page(&Filter::new().with_kind(EventKind::SignInFailed), 0, 100).await.unwrap();
    assert_eq!(events.len(), 4);
    let said = format!(
        "{:?}",
        events.iter().map(|event| (&event.details, event.actor.user_id())).collect::<Vec<_>>()
    );
    assert!(
        !said.contains("gannet") && !said.contains(&code),
        "what was typed is not recorded: {said}"
    );
}

#[tokio::test]
async fn a_code_works_once_also_with_a_wrong_password() {
    let world = World::new().await;
    world.advance(TimeDelta::seconds(30));
    let code = world.code();
    assert!(matches!(world.try_with(NEW, &code).await, SignIn::Refused));
    assert!(
        matches!(world.try_with(PASSWORD, &code).await, SignIn::Refused),
        "used by the attempt before"
    );
    world.sign_in().await;
    assert!(
        matches!(world.try_with(PASSWORD, &world.code()).await, SignIn::Refused),
        "used by the sign-in"
    );
}

#[tokio::test]
async fn an_attacker_does_not_lock_a_user_out() {
    let world = World::new().await;
    for _ in 0..50 {
        assert!(matches!(world.try_with(NEW, NO_CODE).await, SignIn::Refused));
    }
    // A right password without the code is refused, and the user with both is not.
    assert!(matches!(world.try_with(PASSWORD, NO_CODE).await, SignIn::Refused));
    world.sign_in().await;
}

#[tokio::test]
async fn sessions_end_when_idle_and_after_twelve_hours() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    world.advance(TimeDelta::minutes(14));
    assert!(world.identify(&cookie).await.is_some());
    world.advance(TimeDelta::minutes(14));
    assert!(world.identify(&cookie).await.is_some(), "each request counts");
    world.advance(TimeDelta::minutes(15));
    assert!(world.identify(&cookie).await.is_none());
    let cookie = world.sign_in().await;
    for _ in 0..71 {
        world.advance(TimeDelta::minutes(10));
        assert!(world.identify(&cookie).await.is_some());
    }
    world.advance(TimeDelta::minutes(10));
    assert!(world.identify(&cookie).await.is_none(), "twelve hours");
}

#[tokio::test]
async fn a_forged_or_foreign_cookie_is_nobody() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let (id, secret) = cookie.split_once('.').unwrap();
    for forged in [
        String::new(),
        id.into(),
        format!("{id}."),
        format!("{id}.{}", &secret[1..]),
        format!("x.{secret}"),
    ] {
        assert!(world.identify(&forged).await.is_none(), "{forged}");
    }
    let other = world.accounts.clone().placed("/other", "Other");
    assert_ne!(other.cookie_name(), world.accounts.cookie_name());
    let header = world.accounts.cookie(&text("v"));
    assert_eq!(header, "__Host-nhs-pds=v; Path=/; Secure; HttpOnly; SameSite=Strict");
}

#[tokio::test]
async fn a_password_of_ninety_days_is_changed_before_a_session_begins() {
    let world = World::new().await;
    world.advance(TimeDelta::days(90));
    assert!(matches!(world.try_with(PASSWORD, &world.code()).await, SignIn::MustChange));
    world.advance(TimeDelta::seconds(30));
    let weak =
        world.accounts.renew(&world.typed(PASSWORD, &world.code()), &text("aaaaaaaaaaaaa")).await;
    assert!(matches!(weak, Err(AccountError::Password(WeakPassword::Guessable))));
    let same = world.accounts.renew(&world.typed(PASSWORD, &world.code()), &text(PASSWORD)).await;
    assert!(matches!(same, Err(AccountError::Password(WeakPassword::Unchanged))));
    let renewed =
        world.accounts.renew(&world.typed(PASSWORD, &world.code()), &text(NEW)).await.unwrap();
    assert!(matches!(renewed, SignIn::Done(_)));
    world.advance(TimeDelta::seconds(30));
    assert!(matches!(world.try_with(PASSWORD, &world.code()).await, SignIn::Refused));
    world.advance(TimeDelta::seconds(30));
    assert!(matches!(world.try_with(NEW, &world.code()).await, SignIn::Done(_)));
    // Without an age, no change is asked for.
    let never = world.accounts.clone().with_password_age(None);
    world.advance(TimeDelta::days(1000));
    assert!(matches!(
        never.sign_in(&world.typed(NEW, &world.code())).await.unwrap(),
        SignIn::Done(_)
    ));
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let world = World::new().await;
    let (first, second) = (world.sign_in().await, world.sign_in().await);
    let session = world.identify(&second).await.unwrap().session.unwrap();
    world.advance(TimeDelta::seconds(30));
    let mut typed = world.typed(NEW, &world.code());
    let wrong = world.accounts.change_password(&typed, &text(NEW), &session, true).await;
    assert!(wrong.is_err());
    world.advance(TimeDelta::seconds(30));
    typed = world.typed(PASSWORD, &world.code());
    world.accounts.change_password(&typed, &text(NEW), &session, true).await.unwrap();
    assert!(world.identify(&first).await.is_none() && world.identify(&second).await.is_some());
}

#[tokio::test]
async fn a_new_user_sets_a_password_and_a_factor_with_a_start_code() {
    let world = World::new().await;
    let new = NewAccount::new("Bob", Role::FrontLine, "RHM".parse().unwrap());
    let code = world.accounts.invite(&new, None, &administrator(&world, "ann")).await.unwrap();
    let mut typed = world.typed(NEW, "");
    typed.user = "bob".into();
    assert!(
        matches!(world.accounts.sign_in(&typed).await.unwrap(), SignIn::Refused),
        "no password yet"
    );
    assert!(world.accounts.begin_set_up(&typed, &text("wrong")).await.is_err());
    let set_up =
        world.accounts.begin_set_up(&typed, &text(code.expose().to_uppercase())).await.unwrap();
    let key = set_up.key.expose().replace(' ', "");
    let seed = totp_rs::Secret::try_from_base32(key).unwrap().as_bytes().to_vec();
    typed.code = text(NO_CODE);
    assert!(
        world.accounts.finish_set_up(&typed, &code).await.is_err(),
        "without the factor nothing is set"
    );
    typed.code = text(code_of(&seed, world.clock.now()));
    let cookie = world.accounts.finish_set_up(&typed, &code).await.unwrap();
    assert_eq!(world.identify(cookie.expose()).await.unwrap().role, Role::FrontLine);
    assert!(world.accounts.begin_set_up(&typed, &code).await.is_err(), "once");
}

#[tokio::test]
async fn a_start_code_ends_after_a_week() {
    let world = World::new().await;
    let new = NewAccount::new("bob", Role::FrontLine, "RHM".parse().unwrap());
    let code = world.accounts.invite(&new, None, &administrator(&world, "ann")).await.unwrap();
    let mut typed = world.typed(NEW, "");
    typed.user = "bob".into();
    world.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert!(world.accounts.begin_set_up(&typed, &code).await.is_ok());
    world.advance(TimeDelta::seconds(1));
    assert!(world.accounts.begin_set_up(&typed, &code).await.is_err());
}

#[tokio::test]
async fn a_recovery_needs_two_administrators() {
    let world = World::new().await;
    for (id, role) in [("ben", Role::Administrator), ("cat", Role::DataQuality)] {
        add(&world.accounts, id, role).await;
    }
    let (ann, ben) = (administrator(&world, "ann"), administrator(&world, "ben"));
    assert!(matches!(
        world.accounts.approve_recovery("cat", &ben).await,
        Err(AccountError::NoRequest)
    ));
    world.accounts.ask_recovery("cat", &ann).await.unwrap();
    assert!(matches!(
        world.accounts.approve_recovery("cat", &ann).await,
        Err(AccountError::SamePerson)
    ));
    assert!(matches!(
        world.accounts.ask_recovery("ann", &ann).await,
        Err(AccountError::OwnAccount)
    ));
    world.accounts.approve_recovery("cat", &ben).await.unwrap();
    assert!(matches!(
        world.accounts.approve_recovery("cat", &ben).await,
        Err(AccountError::NoRequest)
    ));
    let account = world.accounts.account_with("cat").await.unwrap().unwrap();
    assert!(account.password.is_none() && account.factor.is_none() && account.start.is_some());
    world.accounts.ask_recovery("cat", &ann).await.unwrap();
    world.advance(TimeDelta::days(1));
    assert!(matches!(
        world.accounts.approve_recovery("cat", &ben).await,
        Err(AccountError::NoRequest)
    ));
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_a_role_changes_at_once() {
    let world = World::new().await;
    add(&world.accounts, "ben", Role::Administrator).await;
    let cookie = world.sign_in().await;
    let ben = administrator(&world, "ben");
    let mut changed = NewAccount::new("ann", Role::Auditor, "RHM".parse().unwrap());
    world.accounts.change_account(&changed, &ben).await.unwrap();
    assert_eq!(world.identify(&cookie).await.unwrap().role, Role::Auditor);
    world.accounts.set_disabled("ann", true, &ben).await.unwrap();
    assert!(world.identify(&cookie).await.is_none());
    world.advance(TimeDelta::seconds(30));
    assert!(matches!(world.try_with(PASSWORD, &world.code()).await, SignIn::Refused));
    world.accounts.set_disabled("ann", false, &ben).await.unwrap();
    assert!(world.identify(&cookie).await.is_none(), "the session does not come back");
    changed.id = "ben".into();
    assert!(matches!(
        world.accounts.change_account(&changed, &ben).await,
        Err(AccountError::LastAdministrator)
    ));
    assert!(matches!(
        world.accounts.set_disabled("ben", true, &ben).await,
        Err(AccountError::LastAdministrator)
    ));
}

#[tokio::test]
async fn an_account_for_maintenance_has_a_reason_and_an_end() {
    let world = World::new().await;
    let ann = administrator(&world, "ann");
    let now = world.clock.now();
    let new = NewAccount::new("supplier", Role::Administrator, "RHM".parse().unwrap());
    let invite = async |hours, reason: &'static str| {
        world.accounts.invite(&new, Some((now + TimeDelta::hours(hours), reason)), &ann).await
    };
    assert!(matches!(invite(9, "index").await, Err(AccountError::TooLong)));
    assert!(matches!(invite(0, "index").await, Err(AccountError::TooLong)));
    assert!(matches!(invite(8, " ").await, Err(AccountError::NoReason)));
    let code = invite(8, "index rebuilt").await.unwrap();
    let mut typed = world.typed(NEW, "");
    typed.user = "supplier".into();
    world.advance(TimeDelta::hours(8));
    assert!(world.accounts.begin_set_up(&typed, &code).await.is_err(), "it has ended by itself");
}

#[tokio::test]
async fn user_ids_are_one_whatever_their_case_and_must_be_free() {
    let world = World::new().await;
    let new = NewAccount::new(" ANN ", Role::Auditor, "RHM".parse().unwrap());
    let added = world.accounts.add(&new, &text(PASSWORD), &world.accounts.program()).await;
    assert!(matches!(added, Err(AccountError::Exists)));
    for id in ["", "a b", "a/b", "é", &"a".repeat(65)] {
        assert!(matches!(user_id(id), Err(AccountError::UserId)), "{id}");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_settings_or_on_the_trail() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let setting =
        world.accounts.keeper.store.cases().setting("user:ann").await.unwrap().unwrap().value;
    let secret = cookie.split_once('.').unwrap().1;
    assert!(
        !setting.contains(PASSWORD) && !setting.contains(secret) && setting.contains("$argon2id$")
    );
}
