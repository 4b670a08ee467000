#!/usr/bin/env python3
"""Checks that `nhs-pds fhir` does what its documentation says, against a server that shares no code with it.

    python3 tools/pds_fhir.py [path of nhs-pds]

The server's response depends only on the path and the query, as in the public sandbox. Its responses have the
shapes of the published OpenAPI examples; its people are the sandbox's.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

# Direction and zero-width characters.
HIDDEN = {0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF}
BASE = "/personal-demographics/FHIR/R4"
UUID = re.compile(r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")


def patient(number, family, given, security="U", **fields):
    labels = {"U": "unrestricted", "R": "restricted", "V": "very restricted"}
    return {
        "resourceType": "Patient",
        "id": number,
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
        "meta": {"versionId": "2", "security": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
            "code": security, "display": labels[security]}]},
        "name": [{"id": "123", "use": "usual", "period": {"start": "2020-01-01"}, "given": [given], "family": family}],
        "gender": "female",
        "birthDate": "2010-10-22",
        **fields,
    }


def outcome(code, issue="value", severity="error"):
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": issue, "details": {"coding": [{
        "system": "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", "version": "1", "code": code, "display": "x"}]}}]}


def bundle(*matches):
    entries = [{"fullUrl": f"https://veit07.example/Patient/{p['id']}", "search": {"score": score}, "resource": p} for score, p in matches]
    found = {"resourceType": "Bundle", "type": "searchset", "timestamp": "2020-08-26T14:00:00+00:00", "total": len(entries)}
    if entries:
        found["entry"] = entries
    return found


JANE = patient("9000000009", "Smith", "Jane", address=[{
    "use": "home", "period": {"start": "2020-01-01"}, "line": [None, "1 Trevelyan Square", "Leeds"], "postalCode": "LS1 6AE"}])
RESTRICTED = patient("9000000025", "Smythe", "Janet", "R")

RETRIEVED = {
    "9000000009": (200, JANE),
    "9000000025": (200, RESTRICTED),
    "9000000033": (200, {"resourceType": "Patient", "id": "9000000033", "identifier": [], "meta": {"versionId": "1"}}),
    # Superseded, invalidated, unknown; and failures by number.
    "9449304424": (200, JANE),
    "9434765919": (404, outcome("INVALIDATED_RESOURCE", "processing")),
    "9449305552": (404, outcome("RESOURCE_NOT_FOUND", "not-found", "information")),
    "9449305609": (429, outcome("TOO_MANY_REQUESTS")),
    # The third attempt succeeds.
    "9449306753": [(429, outcome("TOO_MANY_REQUESTS")), (429, outcome("TOO_MANY_REQUESTS")),
                   (200, patient("9449306753", "Smi\u200bth\u202e", "Jane\u2066"))],
    "9449306613": (401, outcome("ACCESS_DENIED", "forbidden")),
    "9449306621": (502, b"<html>Bad Gateway</html>"),
    "9449306680": (200, b"{\"resourceType\": \"Patient\""),
}


def searched(query):
    family = query["family"][0] if "family" in query else ""
    if family == "Smythe":
        return 200, bundle((1, RESTRICTED))
    if family == "Nobody":
        return 200, bundle()
    if family == "Many":
        return 200, outcome("TOO_MANY_MATCHES", "multiple-matches", "information")
    if query.get("given") == ["John Paul", "James"]:
        # The only identifier in the sandbox that is not an NHS Number.
        return 200, bundle((1, patient("9000000015", "Smith", "John Paul")))
    if family == "Sm*" and query.get("_max-results") != ["1"]:
        return 200, bundle((0.8343, JANE), (0.5, patient("9000000017", "Smyth", "Jayne")))
    if family == "Unmodelled":
        return 200, {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-supported"}]}
    return 200, bundle((1, JANE))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    queries = []
    faults = []
    # The identifiers of each path's requests, and of their messages.
    requests = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, raw = self.path.partition("?")
        query = urllib.parse.parse_qs(raw, strict_parsing=bool(raw))
        Handler.queries.append(raw)
        if not UUID.match(self.headers.get("X-Request-ID", "")):
            Handler.faults.append("X-Request-ID is no UUID")
        if not self.headers.get("X-Correlation-ID"):
            Handler.faults.append("no X-Correlation-ID")
        if path == f"{BASE}/Patient":
            status, body = searched(query)
        else:
            answers = RETRIEVED[path.removeprefix(f"{BASE}/Patient/")]
            asked = Handler.requests.setdefault(path, [])
            status, body = answers[min(len(asked), len(answers) - 1)] if isinstance(answers, list) else answers
            asked.append((self.headers.get("X-Request-ID"), self.headers.get("X-Correlation-ID")))
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("X-Request-ID", self.headers.get("X-Request-ID", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


BORN = ["--birthdate", "2010-10-22"]
PLAIN = ["search", "--family", "Smith", *BORN]

# Arguments, exit code, and the expected part of the JSON.
CASES = [
    (["retrieve", "9000000009"], 0, {"outcome": "found", "nhs_number": "9000000009", "version": "2"}),
    (["retrieve", "900 000 0009"], 0, {"outcome": "found"}),
    (["retrieve", "9000000025"], 0, {"outcome": "restricted", "nhs_number": "9000000025"}),
    (["retrieve", "9000000033"], 0, {"outcome": "found", "details": {}}),
    (["retrieve", "9449304424"], 0, {"outcome": "superseded", "nhs_number": "9000000009"}),
    (["retrieve", "9434765919"], 0, {"outcome": "invalidated", "nhs_number": None}),
    (["retrieve", "9449305552"], 0, {"outcome": "none", "nhs_number": None}),
    (["retrieve", "9449306753"], 0, {"outcome": "found", "nhs_number": "9449306753"}),
    (["retrieve", "9449305609", "--attempts", "2"], 1, {"error": {"kind": "unavailable", "code": "TOO_MANY_REQUESTS", "status": 429, "retryable": True}}),
    (["retrieve", "9449306613"], 1, {"error": {"kind": "configuration", "code": "ACCESS_DENIED", "status": 401, "retryable": False}}),
    (["retrieve", "9449306621", "--attempts", "1"], 1, {"error": {"kind": "unavailable", "code": None, "status": 502, "retryable": True}}),
    (["retrieve", "9449306680"], 1, {"error": {"kind": "unreadable", "code": None, "status": 200, "retryable": False}}),
    (["retrieve", "9000000008"], 2, None),
    (PLAIN, 0, {"outcome": "found", "nhs_number": "9000000009", "score": 1, "matches": [{"id": "9000000009", "score": 1}]}),
    ([*PLAIN, "--exact", "--gender", "female", "--postcode", "ls16ae", "--history"], 0, {"outcome": "found"}),
    (["search", "--family", "Smythe", *BORN], 0, {"outcome": "restricted"}),
    (["search", "--family", "Nobody", *BORN], 0, {"outcome": "none", "matches": []}),
    (["search", "--family", "Many", *BORN], 0, {"outcome": "ambiguous", "matches": []}),
    ([*PLAIN, "--given", "John Paul", "--given", "James"], 1,
     {"error": {"kind": "unreadable", "reason": "not_a_number", "retryable": False}, "outcome": None}),
    (["search", "--family", "Sm*", *BORN, "--mode", "hcw", "--max", "50"], 0,
     {"outcome": "ambiguous", "matches": [{"id": "9000000009", "score": 0.8343}, {"id": "9000000017", "score": 0.5}]}),
    (["search", "--family", "Unmodelled", *BORN], 1, {"error": {"kind": "unreadable", "code": "not-supported", "status": 200, "retryable": False}}),
    ([*PLAIN, "--birthdate", "2010-10-23"], 2, None),
    (["search", "--family", "Smith", "--birthdate", "ge2010-10-01", "--birthdate", "le2010-10-31"], 0, {"outcome": "found"}),
    (["search", "--family", "Smith", "--birthdate", "ge2010-10-01"], 0, {"outcome": "found"}),
    (["search", "--family", "Smith", "--birthdate", "2010-10"], 2, None),
    (["search", "--family", "Smith", "--birthdate", "gt2010-10-01"], 2, None),
    (["search", "--family", "S*", *BORN], 2, None),
    (["search", "--family", "x" * 36, *BORN], 2, None),
    (["search", "--family", "Smith"], 2, None),
    ([*PLAIN, "--fuzzy"], 2, None),
    ([*PLAIN, "--fuzzy", "--given", "Jane"], 0, {"outcome": "found"}),
    ([*PLAIN, "--fuzzy", "--given", "Ja*"], 2, None),
    ([*PLAIN, "--fuzzy", "--exact", "--given", "Jane"], 2, None),
    (["search", "--family", "Sm*", *BORN, "--exact"], 2, None),
    ([*PLAIN, "--fuzzy", "--gender", "female", "--postcode", "LS1 6AE"], 0, {"outcome": "found"}),
    (["search", "--fuzzy", "--given", "Jane", "--gender", "female", "--postcode", "LS1 6AE", *BORN], 0, {"outcome": "found"}),
    ([*PLAIN, "--max", "1"], 0, {"outcome": "found"}),
    ([*PLAIN, "--max", "2"], 2, None),
    ([*PLAIN, "--max", "51", "--mode", "hcw"], 2, None),
    ([*PLAIN, "--max", "0", "--mode", "hcw"], 2, None),
    (["token"], 2, None),
]


def differences(expected, got):
    if isinstance(expected, dict) and isinstance(got, dict) and expected:
        return [f"{key}: {difference}" for key, value in expected.items() for difference in differences(value, got.get(key))]
    return [] if expected == got else [f"expected {expected!r}, got {got!r}"]


def main():
    binary = [sys.argv[1] if len(sys.argv) > 1 else "target/debug/nhs-pds", "fhir"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {key: value for key, value in os.environ.items() if not key.startswith("PDS_FHIR")}
    # By name: loopback needs no TLS, under any of its names.
    env["PDS_FHIR_BASE"] = f"http://localhost:{server.server_port}{BASE}"
    faults = []
    for arguments, code, expected in CASES:
        run = subprocess.run([*binary, *arguments], env=env, capture_output=True, text=True, timeout=60)
        where = " ".join(arguments)
        if run.returncode != code:
            faults.append(f"{where}: exit code {run.returncode}, not {code}: {run.stderr.strip()}")
        elif expected is None:
            if run.stdout or not run.stderr:
                faults.append(f"{where}: no reason on standard error")
        else:
            faults += [f"{where}: {difference}" for difference in differences(expected, json.loads(run.stdout))]
            if not run.stdout.isascii() and any(ord(letter) in HIDDEN for letter in run.stdout):
                faults.append(f"{where}: prints {run.stdout!r}")
    if not any("family=Sm%2A" in query for query in Handler.queries):
        faults.append("a wildcard went out unencoded")
    # A retry is the same request in a new message.
    for number, attempts in ("9449306753", 3), ("9449305609", 2), ("9449306621", 1), ("9449306613", 1):
        asked = Handler.requests.get(f"{BASE}/Patient/{number}", [])
        requests, messages = {request for request, _ in asked}, {message for _, message in asked}
        if len(asked) != attempts or len(requests) != 1 or len(messages) != attempts:
            faults.append(f"{number}: {attempts} attempts were expected: {asked}")
    helped = subprocess.run([*binary, "--help"], capture_output=True, text=True, timeout=60).stdout
    with open(os.path.join(os.path.dirname(__file__), "../crates/nhs-pds-cli/src/api.rs")) as source:
        names = set(re.findall(r"PDS_FHIR_[A-Z_]+[A-Z]", source.read()))
    faults += [f"--help does not name {name}" for name in sorted(names) if name not in helped]
    if not names:
        faults.append("no variable is known")
    faults += Handler.faults
    for fault in faults:
        print(fault)
    print(f"{len(CASES)} cases, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
