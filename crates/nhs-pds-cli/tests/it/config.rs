//! The configuration file and the environment, through the binary.

use crate::command::{Done, run};
use std::collections::BTreeMap;
use std::fs;

fn with(arguments: &[&str], env: &[(&str, &str)]) -> Done {
    run(arguments, "9434765919\n", &env.iter().copied().collect::<BTreeMap<_, _>>())
}

#[test]
fn argument_environment_file_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = path("nhs-pds.toml");
    let [from_file, from_env, from_argument] = [path("file"), path("env"), path("argument")];
    fs::write(&config, format!("[letter]\nout = '{from_file}'\n")).unwrap();

    let written = with(&["--config", &config, "letter"], &[]);
    assert_eq!(written.out, format!("written to {from_file}\n"));
    let env = [("NHS_PDS_CONFIG", config.as_str()), ("NHS_PDS_OUT", from_env.as_str())];
    assert_eq!(with(&["letter"], &env).out, format!("written to {from_env}\n"));
    let written = with(&["letter", "--out", &from_argument], &env);
    assert_eq!(written.out, format!("written to {from_argument}\n"));
    // The program's own option is before its variable too.
    let other = path("other.toml");
    fs::write(&other, "[check]\njson = true\n").unwrap();
    let checked = with(&["--config", &other, "check"], &env);
    assert_eq!(checked.json_lines()[0]["valid"], true);
    let checked = with(&["check", "--config", &other], &env);
    assert_eq!(checked.json_lines()[0]["valid"], true);
    assert_eq!(with(&["check"], &env).out, "9434765919\tvalid\n");
}

#[test]
fn a_wrong_value_is_an_error_with_its_source() {
    let wrong = with(&["worker", "--db", "x"], &[("NHS_PDS_INTERVAL", "often")]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("--interval <TIME>"), "{}", wrong.err);
    assert!(wrong.err.contains("from the environment variable NHS_PDS_INTERVAL"), "{}", wrong.err);

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nhs-pds.toml");
    fs::write(&config, "[worker]\nattempts = 0\ndb = 'x'\n").unwrap();
    let config = config.to_str().unwrap();
    let wrong = with(&["--config", config, "worker"], &[]);
    assert_eq!(wrong.code, 2);
    let source = format!("The value comes from the configuration file {config}.");
    assert!(wrong.err.contains(&source), "{}", wrong.err);

    let missing = with(&["--config", "no-such.toml", "check"], &[]);
    assert_eq!((missing.code, missing.out.as_str()), (2, ""));
    assert!(missing.err.contains("no-such.toml: there is no such file"), "{}", missing.err);
}

#[test]
fn options_that_need_each_other_do_so_in_the_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nhs-pds.toml");
    fs::write(&config, "[trace]\nclient-certificate = 'client.pem'\n").unwrap();
    let wrong = with(&["--config", config.to_str().unwrap(), "trace"], &[]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("--client-key <FILE>"), "{}", wrong.err);
}

#[test]
fn the_file_on_the_page_is_accepted() {
    let page = fs::read_to_string(crate::command::root().join("docs/commands.md")).unwrap();
    let (_, block) = page.split_once("```toml\n").unwrap();
    let (file, _) = block.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nhs-pds.toml");
    fs::write(&config, file).unwrap();
    let checked = with(&["check", "--config", config.to_str().unwrap()], &[]);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
}
