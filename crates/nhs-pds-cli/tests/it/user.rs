//! `nhs-pds user`.

use crate::command::{Done, nhs_pds, run};
use std::collections::BTreeMap;

const PASSWORD: &str = "correct gannet tripod\n";

fn add(db: &str, name: &str, role: &str, password: &str) -> Done {
    let arguments = ["user", "add", "--db", db, "--name", name, "--role", role, "--password-stdin"];
    run(&arguments, password, &BTreeMap::new())
}

fn database(folder: &tempfile::TempDir) -> String {
    folder.path().join("cases.sqlite").to_str().unwrap().to_owned()
}

#[test]
fn a_user_is_added_listed_disabled_and_enabled() {
    let folder = tempfile::tempdir().unwrap();
    let db = &database(&folder);
    let added = add(db, "J.Doe", "administrator", PASSWORD);
    assert_eq!((added.code, added.err.as_str()), (0, ""));
    let lines: Vec<_> = added.out.lines().collect();
    assert_eq!(lines.len(), 1, "{added:?}");
    assert!(lines[0].starts_with("totp otpauth://totp/NHS%20Numbers:j.doe?"), "{added:?}");
    assert_eq!(add(db, "a.check", "auditor", PASSWORD).code, 0);

    let listed = nhs_pds(&["user", "list", "--db", db, "--json"]).json_lines();
    let facts = |at: usize| {
        let user: &serde_json::Value = &listed[at];
        [&user["user"], &user["role"], &user["state"]]
            .map(|value| value.as_str().unwrap().to_owned())
    };
    assert_eq!(listed.len(), 2);
    assert_eq!(facts(0), ["j.doe", "administrator", "active"]);
    assert_eq!(facts(1), ["a.check", "auditor", "active"]);

    let disabled = nhs_pds(&["user", "disable", "--db", db, "--name", "a.check"]);
    assert_eq!(disabled.code, 0, "{disabled:?}");
    let listed = nhs_pds(&["user", "list", "--db", db]);
    assert!(listed.out.contains("a.check\ta.check\tauditor\tRHM\tdisabled\t"), "{listed:?}");
    assert_eq!(nhs_pds(&["user", "enable", "--db", db, "--name", "a.check"]).code, 0);
    let events = nhs_pds(&["audit", "--db", db, "query", "--kind", "account_changed", "--json"]);
    assert!(events.out.contains("disabled") && events.out.contains("enabled"), "{events:?}");
    assert!(!events.out.contains("gannet") && !events.out.contains("argon2"));
}

#[test]
fn a_refusal_is_exit_code_1_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = &database(&folder);
    assert_eq!(add(db, "j.doe", "administrator", PASSWORD).code, 0);
    let again = add(db, "j.doe", "auditor", PASSWORD);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert!(again.err.contains("another account has this user id"), "{again:?}");
    let weak = add(db, "a.check", "auditor", "password12345\n");
    assert_eq!((weak.code, weak.out.as_str()), (1, ""));
    assert!(weak.err.contains("too easy to guess"), "{weak:?}");
    assert!(!weak.err.contains("password12345"), "{weak:?}");
    let last = nhs_pds(&["user", "disable", "--db", db, "--name", "j.doe"]);
    assert_eq!(last.code, 1);
    assert!(last.err.contains("the last administrator"), "{last:?}");
    for action in ["disable", "enable", "end-sessions"] {
        assert_eq!(nhs_pds(&["user", action, "--db", db, "--name", "no.one"]).code, 1, "{action}");
    }
    assert_eq!(nhs_pds(&["user", "list", "--db", db, "--json"]).json_lines().len(), 1);
}

#[test]
fn wrong_input_is_exit_code_2_and_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let db = &database(&folder);
    for (name, password) in [("j doe", PASSWORD), ("j.doe", ""), ("j.doe", "one secret\nanother\n")]
    {
        let wrong = add(db, name, "auditor", password);
        assert_eq!((wrong.code, wrong.out.as_str()), (2, ""), "{wrong:?}");
        assert!(!wrong.err.contains("secret"), "{wrong:?}");
    }
    assert_eq!(nhs_pds(&["user", "list", "--db", db]).out, "");
    let elsewhere = folder.path().join("none.sqlite");
    let absent = nhs_pds(&["user", "list", "--db", elsewhere.to_str().unwrap()]);
    assert_eq!(absent.code, 2, "{absent:?}");
    assert!(!elsewhere.exists(), "a list creates no file");
}

#[test]
fn a_reset_needs_another_person_and_prints_a_start_code() {
    let folder = tempfile::tempdir().unwrap();
    let db = &database(&folder);
    assert_eq!(add(db, "j.doe", "administrator", PASSWORD).code, 0);
    let reset = ["user", "reset", "--db", db, "--name", "j.doe", "--as", "o.perator"];
    assert_eq!(nhs_pds(&reset).code, 2, "without --authorised-by");
    let by = |who| nhs_pds(&[&reset[..], &["--authorised-by", who]].concat());
    assert_eq!(by("o.perator").code, 2);
    let done = by("m.anager");
    assert_eq!(done.code, 0, "{done:?}");
    let code = done.out.strip_prefix("start-code ").unwrap().trim_end();
    assert_eq!((code.len(), code.matches('-').count()), (23, 3), "{code}");
    let listed = nhs_pds(&["user", "list", "--db", db, "--json"]).json_lines();
    assert_eq!(listed[0]["state"], "not_set_up");
    let events = nhs_pds(&["audit", "--db", db, "query", "--kind", "account_changed", "--json"]);
    assert!(events.out.contains("m.anager") && !events.out.contains(code), "{events:?}");
}

/// A name for reviewers, set for this machine, must not become that of a user.
#[test]
fn the_environment_names_no_user() {
    let folder = tempfile::tempdir().unwrap();
    let db = &database(&folder);
    let env = BTreeMap::from([("NHS_PDS_NAME", "r.eviewer"), ("NHS_PDS_ROLE", "auditor")]);
    let added = run(&["user", "add", "--db", db, "--password-stdin"], PASSWORD, &env);
    assert_eq!(added.code, 2);
    assert!(added.err.contains("--name"), "{added:?}");
}
