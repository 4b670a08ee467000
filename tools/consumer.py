#!/usr/bin/env python3
"""Builds the packaged crates as a vendor does: as dependencies of crates of their own.

    python3 tools/consumer.py

Development dependencies enable features that a consumer does not have, so a build of this repository does
not test a consumer's build. Each consumer here is outside the package and has its own lock file. All of them share
the repository's target directory. The checks, in this order:

* package: the files of the package build its library, unit tests and benchmarks.
* features: a consumer compiles without features, with the default ones, with each alone and with all, without a
  warning in this crate, and its lock file respects `rust-version`.
* README: the dependencies and the first two programs of the README compile, and run against the simulator, which
  is a separate process. For the first program it requires a client certificate. Only the address of the service is
  replaced; the certificates have the names in the README. The second program writes the number of its case.
* embed: a crate embeds the client in less than 30 lines, and tests itself with the stub for wiremock of the
  packaged simulator.
* screens: a vendor's application mounts the packaged screens with its own sign-in in less than 60 lines, and serves
  a page.
* sqlite: stores and trails pass their conformance suites with the lowest and the highest rusqlite.
* sqlx: this crate's `sqlite` and sqlx's `sqlite` and `macros` resolve to one SQLite library.
* oldest: with each direct dependency in the lowest version that Cargo.toml allows, all features compile with
  `rust-version`.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tarfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")))
WORK = os.path.join(TARGET, "consumer")
PACKAGE = os.path.join(WORK, "package")
CRATE = "nhs-pds"
SIMULATOR = "nhs-pds-simulator"
ADMIN = "nhs-pds-admin"
# Each packaged crate, and the folder in which it is unpacked.
PACKAGES = {
    CRATE: PACKAGE,
    ADMIN: os.path.join(WORK, "package-admin"),
    SIMULATOR: os.path.join(WORK, "package-simulator"),
}

# The service's address in the README's programs, the output of the first, and the number that the second writes.
README_ADDRESS = '"https://smsp.example/pds"'
README_OUTPUT = """verified match
on a screen or a letter: 937 465 9298
in a database or a message: 9374659298
"""
README_NUMBER = "9374659298"

# A program that embeds the client, and how it tests itself.
EMBED_LINES = 30
EMBED = """use nhs_pds::matching::Finding;
use nhs_pds::trace::{FindPerson, LocalIdentity};
use nhs_pds::{NhsNumber, Pds};
use std::error::Error;

/// Returns the NHS Number of `person`, if the service finds the person and no doubt remains.
pub async fn nhs_number(service: &str, person: &FindPerson) -> Result<Option<NhsNumber>, Box<dyn Error>> {
    let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    let pds = Pds::smsp(service, us).build()?;
    match pds.find(pds.system(), person).await?.finding {
        Finding::Verified(found) => Ok(Some(found.nhs_number)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
"""
EMBED_TESTS = """use crate::nhs_number;
use nhs_pds::trace::FindPerson;
use nhs_pds_simulator::{Fault, Register, Simulator, When};
use wiremock::{Mock, MockServer, matchers::any};

#[tokio::test]
async fn a_person_is_found_and_a_fault_is_an_error() {
    let register = Register::from_seed(1, 100);
    let person = register.iter().find(|person| person.answer.is_none() && !person.postcode.is_empty()).unwrap();
    let born = person.birth.full().unwrap();
    let question: FindPerson = FindPerson::new(person.family.parse().unwrap(), person.gender, born)
        .with_given(person.given.parse().unwrap())
        .with_postcode(person.postcode.parse().unwrap());

    let pds = Simulator::new(register.clone());
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(pds.clone()).mount(&server).await;
    let service = format!("{}/smsp/pds", server.uri());

    let found = nhs_number(&service, &question).await.unwrap();
    assert_eq!(found, Some(person.nhs_number));
    pds.add_fault(When::Next(1), Fault::code("SMSP-0004"));
    assert!(nhs_number(&service, &question).await.is_err());
    assert_eq!(nhs_number(&service, &question).await.unwrap(), found);
}
"""

# The program that mounts the screens, and what it prints: a page, and the way to the application's sign-in.
SCREENS_LINES = 60
SCREENS_OUTPUT = """session=of-jo-doe: HTTP/1.0 200 OK
session=unknown: HTTP/1.0 303 See Other
"""

# Runs the conformance suites of the crate over new SQLite files.
SQLITE = """
use nhs_pds::audit::{self, AuditLog, SqliteLog};
use nhs_pds::case::{self, CaseStore, SqliteStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("needs a folder")?;
    let count = AtomicUsize::new(0);
    let file = || format!("{folder}/{}.sqlite", count.fetch_add(1, Ordering::Relaxed));
    let store = async || Arc::new(SqliteStore::open(file()).unwrap()) as Arc<dyn CaseStore>;
    case::conformance::check(store).await?;
    let log = async || Arc::new(SqliteLog::open(file()).unwrap()) as Arc<dyn AuditLog>;
    audit::conformance::check(log).await?;
    println!("SQLite {}: stores and trails conform", rusqlite::version());
    Ok(())
}
"""


def fail(text):
    sys.exit(f"consumer: {text}")


def run(command, **options):
    environment = {**os.environ, "CARGO_TARGET_DIR": TARGET}
    done = subprocess.run(command, env=environment, **options)
    if done.returncode != 0:
        fail(f"{' '.join(command)} ended with {done.returncode}")
    return done


def output(command, **options):
    return run(command, stdout=subprocess.PIPE, text=True, **options).stdout


def write(path, text):
    """Writes a file only if its contents change: cargo checks the time of the last change."""
    data = text if isinstance(text, bytes) else text.encode()
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def metadata(folder, *arguments):
    manifest = os.path.join(folder, "Cargo.toml")
    return json.loads(output(["cargo", "metadata", "--format-version", "1", "--manifest-path", manifest, *arguments]))


def package():
    """Packs the crates, and unpacks them without access to the other files of the repository."""
    # In a clean clone these files would be published; locally, after a commit.
    names = [argument for name in PACKAGES for argument in ("--package", name)]
    run(["cargo", "package", "--quiet", "--locked", "--no-verify", "--allow-dirty", *names], cwd=ROOT)
    described = {each["name"]: each for each in metadata(ROOT, "--no-deps")["packages"]}
    for name, folder in PACKAGES.items():
        unpack(f"{name}-{described[name]['version']}", folder)
    return metadata(PACKAGE, "--no-deps")["packages"][0]


def unpack(name, package):
    kept = set()
    with tarfile.open(os.path.join(TARGET, "package", f"{name}.crate")) as archive:
        for member in archive.getmembers():
            path = os.path.normpath(os.path.join(package, os.path.relpath(member.name, name)))
            if not member.isfile() or not path.startswith(package + os.sep):
                fail(f"{member.name} is not a file in the package")
            write(path, archive.extractfile(member).read())
            kept.add(path)
    for folder, _, files in os.walk(package):
        for file in files:
            if os.path.join(folder, file) not in kept:
                os.remove(os.path.join(folder, file))


def profiles():
    """Returns the repository's profiles, so that its compiled dependencies are reused."""
    with open(os.path.join(ROOT, "Cargo.toml")) as file:
        sections = re.split(r"^(?=\[)", file.read(), flags=re.MULTILINE)
    return "".join(section for section in sections if section.startswith("[profile."))


def patches(dependencies):
    """The packaged crates, in place of those of the registry. Cargo warns of a patch that nothing uses."""
    used = [name for name in PACKAGES if name == CRATE or f"{name} = " in dependencies]
    return "".join(f'{name} = {{ path = "{PACKAGES[name]}" }}\n' for name in used)


def consumer(name, crate, dependencies, features="", files=None):
    """Creates a crate outside the package, which depends on it as if from a registry."""
    folder = os.path.join(WORK, name)
    manifest = f"""[package]
name = "consumer-{name}"
version = "0.0.0"
edition = "2024"
rust-version = "{crate['rust_version']}"

[workspace]

[dependencies]
{dependencies}
[features]
{features}
[patch.crates-io]
{patches(dependencies)}
{profiles()}"""
    write(os.path.join(folder, "Cargo.toml"), manifest)
    shutil.rmtree(os.path.join(folder, "src"), ignore_errors=True)
    for file, text in (files or {"lib.rs": "pub use nhs_pds::NhsNumber;\n"}).items():
        write(os.path.join(folder, "src", file), text)
    lock = os.path.join(folder, "Cargo.lock")
    if os.path.exists(lock):
        os.remove(lock)
    run(["cargo", "generate-lockfile", "--quiet"], cwd=folder)
    return folder


def rust_version(folder):
    tool = os.path.join(ROOT, "tools", "msrv.py")
    run([sys.executable, tool, "--manifest-path", os.path.join(folder, "Cargo.toml"), "--package", CRATE])


def check(folder, *arguments):
    """Runs `cargo check`, and fails on a warning in this crate too."""
    command = ["cargo", "check", "--quiet", "--locked", "--message-format=json-render-diagnostics", *arguments]
    for line in output(command, cwd=folder).splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-message" and CRATE in message["package_id"]:
            fail(f"a warning in {' '.join(arguments)}: {message['message']['message']}")


def check_package():
    command = ["cargo", "check", "--quiet", "--locked", "--all-targets", "--all-features"]
    run(command, cwd=PACKAGE)


def check_features(crate):
    names = sorted(feature for feature in crate["features"] if feature != "default")
    forwarded = "".join(f'{name} = ["{CRATE}/{name}"]\n' for name in names)
    forwarded += f'of-the-crate = ["{CRATE}/default"]\n'
    version = crate["version"]
    dependency = f'{CRATE} = {{ version = "{version}", default-features = false }}\n'
    folder = consumer("features", crate, dependency, forwarded)
    rust_version(folder)
    for features in ["", "of-the-crate", *names, " ".join(names)]:
        print(f"-- features: {features or 'none'}", flush=True)
        check(folder, "--features", features)


def block(text, language, count):
    """Returns the first fenced blocks of this language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    if len(found) < count:
        fail(f"README.md has {len(found)} blocks of {language}, and not {count}")
    return found[:count]


def simulator(*arguments):
    command = ["cargo", "build", "--locked", "--quiet", "-p", "nhs-pds-cli"]
    made = output([*command, "--message-format=json-render-diagnostics"], cwd=ROOT)
    binary = next(filter(None, (json.loads(line).get("executable") for line in made.splitlines())))
    return subprocess.Popen([binary, "simulator", *arguments], stdout=subprocess.PIPE, text=True)


def refuses_strangers(url, certificates):
    """Checks that the server ends the exchange without a client certificate."""
    host, port = re.match(r"https://([^:/]+):(\d+)/", url).groups()
    context = ssl.create_default_context(cafile=os.path.join(certificates, "spine-roots.pem"))
    try:
        with socket.create_connection((host, int(port))) as tcp, context.wrap_socket(tcp, server_hostname=host) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = tls.recv(99)
    except ssl.SSLError:
        return
    fail(f"the simulator answered a client without a certificate: {answer!r}")


def check_readme(crate):
    with open(os.path.join(PACKAGE, "README.md")) as file:
        readme = file.read()
    (manifest,) = block(readme, "toml", 1)
    dependencies = manifest.removeprefix("[dependencies]\n")
    first, second = block(readme, "rust,no_run", 2)
    for program in first, second:
        if program.count(README_ADDRESS) != 1:
            fail(f"README.md: one of its first two programs has no {README_ADDRESS}")
    certificates = os.path.join(WORK, "certificates")
    os.makedirs(certificates, exist_ok=True)
    secure, plain = simulator("--mutual-tls", certificates), simulator()
    try:
        urls = [process.stdout.readline().split()[1] for process in (secure, plain)]  # smsp URL
        refuses_strangers(urls[0], certificates)
        # One binary at one path each, so that a new address recompiles only the program.
        programs = {
            f"bin/{name}.rs": program.replace(README_ADDRESS, f'"{url}"')
            for name, program, url in zip(("first", "second"), (first, second), urls)
        }
        folder = consumer("readme", crate, dependencies, files=programs)
        run(["cargo", "build", "--quiet", "--locked", "--bins"], cwd=folder)
        # The README names the files without a folder.
        printed = output([os.path.join(TARGET, "debug", "first")], cwd=certificates)
        if printed != README_OUTPUT:
            fail(f"README.md: its first program printed {printed!r}, and not {README_OUTPUT!r}")
        print(f"-- README: printed {printed!r} over mutual TLS", flush=True)
        print(f"-- README: wrote {second_program()}", flush=True)
    finally:
        for process in secure, plain:
            process.kill()
            process.wait()


def second_program():
    """Returns the number that the README's second program writes. The program runs until it is interrupted."""
    folder = os.path.join(WORK, "second")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    program = subprocess.Popen(
        [os.path.join(TARGET, "debug", "second")], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    traced = program.stdout.readline()
    program.send_signal(signal.SIGINT)
    if program.wait(timeout=300) != 0:
        fail(f"README.md: its second program ended with {program.returncode}")
    with sqlite3.connect(os.path.join(folder, "cases.sqlite")) as database:
        numbers = [number for (number,) in database.execute("SELECT nhs_number FROM cases")]
    if numbers != [README_NUMBER]:
        fail(f"README.md: its second program said {traced!r} and wrote {numbers}, and not {README_NUMBER}")
    return numbers[0]


def bounds(crate, name):
    """Returns the lowest version that Cargo.toml allows, and the first one above the range, if stated."""
    (required,) = [each["req"] for each in crate["dependencies"] if each["name"] == name and each["kind"] is None]
    low = re.match(r"(?:\^|>=|=|~)?(\d+(?:\.\d+){0,2})", required)
    if low is None:
        fail(f"{name}: {required!r} has no lowest version")
    low = ".".join((low.group(1).split(".") + ["0", "0"])[:3])
    above = re.search(r"<(\d+(?:\.\d+){0,2})$", required)
    return low, above and above.group(1)


def locked(folder, name):
    with open(os.path.join(folder, "Cargo.lock")) as file:
        return re.findall(rf'^name = "{name}"\nversion = "([^"]+)"', file.read(), flags=re.MULTILINE)


def check_embed(crate):
    lines = sum(1 for line in EMBED.splitlines() if line)
    if lines >= EMBED_LINES:
        fail(f"the program that embeds the client has {lines} lines, and not less than {EMBED_LINES}")
    version = crate["version"]
    dependencies = f"""{CRATE} = "{version}"

[dev-dependencies]
{SIMULATOR} = {{ version = "{version}", features = ["wiremock"] }}
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}
wiremock = "0.6"

"""
    folder = consumer("embed", crate, dependencies, files={"lib.rs": EMBED, "tests.rs": EMBED_TESTS})
    said = output(["cargo", "test", "--quiet", "--locked"], cwd=folder)
    if "test result: ok. 1 passed" not in said:
        fail(f"the program that embeds the client did not run its test: {said}")
    print(f"-- embed: the client in {lines} lines, tested with the stub", flush=True)


def check_screens(crate):
    with open(os.path.join(ROOT, "examples", "mount_the_screens.rs")) as file:
        program = file.read()
    lines = len(program.splitlines())
    if lines >= SCREENS_LINES:
        fail(f"the program that mounts the screens has {lines} lines, and not less than {SCREENS_LINES}")
    version = crate["version"]
    dependencies = f"""{CRATE} = {{ version = "{version}", features = ["process"] }}
{ADMIN} = "{version}"
axum = {{ version = "0.8", default-features = false, features = ["http1", "tokio"] }}
http = "1"
tokio = {{ version = "1", features = ["io-util", "macros", "net", "rt-multi-thread"] }}
"""
    folder = consumer("screens", crate, dependencies, files={"main.rs": program})
    said = output(["cargo", "run", "--quiet", "--locked"], cwd=folder)
    if said != SCREENS_OUTPUT:
        fail(f"the program that mounts the screens printed {said!r}, and not {SCREENS_OUTPUT!r}")
    print(f"-- screens: mounted in {lines} lines", flush=True)


def check_sqlite(crate):
    low, above = bounds(crate, "rusqlite")
    dependencies = f"""{CRATE} = {{ version = "{crate['version']}", features = ["conformance", "sqlite"] }}
rusqlite = "*"
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}
"""
    folder = consumer("sqlite", crate, dependencies, files={"main.rs": SQLITE})
    (high,) = locked(folder, "rusqlite")
    major, minor = above.split(".")
    if not high.startswith(f"{major}.{int(minor) - 1}."):
        fail(f"rusqlite {high} is the highest that resolves, and Cargo.toml has < {above}")
    for version in [high, low]:
        run(["cargo", "update", "--quiet", "--package", "rusqlite", "--precise", version], cwd=folder)
        files = os.path.join(WORK, "sqlite-files")
        shutil.rmtree(files, ignore_errors=True)
        os.makedirs(files)
        said = output(["cargo", "run", "--quiet", "--locked", "--", files], cwd=folder).strip()
        print(f"-- sqlite: rusqlite {version}, {said}", flush=True)


def check_sqlx(crate):
    dependencies = f"""{CRATE} = {{ version = "{crate['version']}", features = ["sqlite"] }}
sqlx = {{ version = "0.9", features = ["macros", "runtime-tokio", "sqlite"] }}
"""
    folder = consumer("sqlx", crate, dependencies)
    libraries = locked(folder, "libsqlite3-sys")
    if len(libraries) != 1:
        fail(f"beside sqlx there are these libsqlite3-sys: {libraries}")
    print(f"-- sqlx {locked(folder, 'sqlx')[0]}: rusqlite {locked(folder, 'rusqlite')[0]}", flush=True)


def check_oldest(crate):
    names = sorted({each["name"] for each in crate["dependencies"] if each["kind"] is None})
    lowest = {name: bounds(crate, name)[0] for name in names}
    features = json.dumps(sorted(crate["features"]))
    dependencies = f'{CRATE} = {{ version = "{crate["version"]}", features = {features} }}\n'
    for name, version in lowest.items():
        dependencies += f'{name} = {{ version = "={version}", default-features = false }}\n'
    folder = consumer("oldest", crate, dependencies)
    resolved = metadata(folder, "--locked")
    versions = {each["id"]: (each["name"], each["version"]) for each in resolved["packages"]}
    for node in resolved["resolve"]["nodes"]:
        if versions[node["id"]][0] == CRATE:
            found = dict(versions[each["pkg"]] for each in node["deps"])
            if found != lowest:
                fail(f"these were not the lowest versions: {set(found.items()) ^ set(lowest.items())}")
    rust_version(folder)
    check(folder)


def main():
    arguments = argparse.ArgumentParser(description="Builds the packaged crate as a dependency")
    checks = ["package", "features", "readme", "embed", "screens", "sqlite", "sqlx", "oldest"]
    arguments.add_argument("only", nargs="*", metavar="CHECK", help=f"of {', '.join(checks)}; all without")
    only = arguments.parse_args().only
    began = time.monotonic()
    crate = package()
    for name in checks:
        if only and name not in only:
            continue
        print(f"-- {name} ({time.monotonic() - began:.0f}s)", flush=True)
        if name == "package":
            check_package()
        else:
            globals()[f"check_{name}"](crate)
    print(f"a consumer of the package builds ({time.monotonic() - began:.0f}s)")


if __name__ == "__main__":
    main()
