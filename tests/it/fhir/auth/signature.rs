//! Assertions and key sets, checked by programs that are independent of this crate: `openssl` and Python.
//! Each check is passed over where the program is missing.

use crate::fhir::auth::{Assertion, CLIENT_ID, TOKEN_URL, at, key, pem};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nhs_pds::fhir::auth::{AssertionLifetime, Jwks, assertion};
use nhs_pds::ids::{CountingIds, Ids};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const KEYS: [&str; 2] = ["client-a", "client-b"];

/// RSASSA-PKCS1-v1_5 with SHA-512, written out from RFC 8017 section 8.2.2.
const VERIFY: &str = r#"
import base64, hashlib, json, sys
given = json.load(sys.stdin)
decode = lambda text: int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
[key] = [key for key in given["set"]["keys"] if key["kid"] == given["kid"]]
assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS512", "sig")
n, e = decode(key["n"]), decode(key["e"])
size = (n.bit_length() + 7) // 8
signature = base64.b64decode(given["signature"])
assert len(signature) == size
digest = hashlib.sha512(given["signed"].encode()).digest()
info = bytes.fromhex("3051300d060960864801650304020305000440") + digest
padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
found = pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big")
print("good" if found == padded else "bad")
"#;

fn made(name: &str) -> Assertion {
    let jwt = assertion(
        &key(name),
        &CLIENT_ID.parse().unwrap(),
        &TOKEN_URL.parse().unwrap(),
        AssertionLifetime::default(),
        at(0),
        CountingIds::default().next(),
    );
    Assertion::read(jwt.unwrap().expose())
}

#[expect(clippy::print_stderr, reason = "says what it passes over")]
fn is_there(program: &str, question: &str) -> bool {
    let asked = Command::new(program).arg(question).stdout(Stdio::null()).status();
    let there = asked.is_ok_and(|status| status.success());
    if !there {
        eprintln!("passed over: there is no {program}");
    }
    there
}

#[test]
fn the_assertion_has_the_documented_claims() {
    let Assertion { header, claims, signature, .. } = made("client-a");
    assert_eq!(header, json!({ "alg": "RS512", "typ": "JWT", "kid": "client-a" }));
    assert_eq!(
        claims,
        json!({
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": TOKEN_URL,
            "jti": "00000000-0000-4000-8000-000000000001",
            "exp": at(180).timestamp(),
        })
    );
    assert_eq!(signature.len(), 256);
}

#[test]
fn openssl_verifies_the_signature() {
    if !is_there("openssl", "version") {
        return;
    }
    for name in KEYS {
        let folder = tempfile::tempdir().unwrap();
        let path = |file| folder.path().join(file);
        let Assertion { signed, signature, .. } = made(name);
        fs::write(path("key.pem"), pem(name)).unwrap();
        fs::write(path("signature"), signature).unwrap();
        let openssl = |arguments: &[&str]| {
            let mut command = Command::new("openssl");
            command.args(arguments).current_dir(&folder).stderr(Stdio::null());
            command.output().unwrap()
        };
        let public = openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
        assert!(public.status.success());
        for (text, good) in [(signed.clone(), true), (format!("{signed}x"), false)] {
            fs::write(path("signed"), text).unwrap();
            let verify =
                ["dgst", "-sha512", "-verify", "public.pem", "-signature", "signature", "signed"];
            assert_eq!(openssl(&verify).status.success(), good, "{name}");
        }
    }
}

#[test]
fn python_verifies_the_signature_by_the_key_set() {
    if !is_there("python3", "--version") {
        return;
    }
    let keys = KEYS.map(key);
    let set: Value = serde_json::from_str(&Jwks::of(&keys).unwrap().to_string()).unwrap();
    for name in KEYS {
        let Assertion { signed, signature, header, .. } = made(name);
        for (signed, verdict) in [(signed.clone(), "good\n"), (format!("{signed}x"), "bad\n")] {
            let given = json!({
                "set": set,
                "kid": header["kid"],
                "signed": signed,
                "signature": BASE64_STANDARD.encode(&signature),
            });
            let mut python = Command::new("python3");
            python.args(["-c", VERIFY]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut python = python.spawn().unwrap();
            let mut input = python.stdin.take().unwrap();
            input.write_all(given.to_string().as_bytes()).unwrap();
            drop(input);
            let said = python.wait_with_output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), verdict, "{name}");
        }
    }
}
