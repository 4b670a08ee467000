#!/usr/bin/env python3
"""Checks what an operator needs of every command of nhs-pds.

    python3 tools/commands.py [path of nhs-pds]

* A reader that closes its end (`| head -1`) does not cause a panic, on standard output or standard error.
* For a path that cannot be used (a folder, nothing there), it prints a sentence with the path and ends with exit code 2.
* Refused rows and an unknown case do not give exit code 0; `--help` names the exit codes.
* It never prints control, direction or zero-width characters of local data or of a service to a terminal.
* It creates files with personal data with mode 0600, and removes the partial files of killed programs.
"""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target/debug/nhs-pds")
# Commands that `--help` does not list.
TOOLS = ["sample-data", "soak", "throughput"]
COLUMNS = (
    "case_id,record_type,surname,forename,date_of_birth,gender,address_1,address_2,address_3,address_4,address_5,"
    "postcode,allocated_worker,allocation_start,allocation_end,date_of_death,nhs_number,nhs_number_source"
)
# Characters that a terminal obeys or does not show.
HIDDEN = "\x1b\x07\x7f\x9b\u200b\u202e\u2066\ufeff"
FAULTS = []


def fault(text):
    FAULTS.append(text)
    print(text)


def command(name):
    return [BINARY, "dev", name] if name in TOOLS else [BINARY, name]


def run(name, *arguments, stdin="", **more):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PDS_FHIR", "NHS_PDS"))}
    return subprocess.run([*command(name), *arguments], input=stdin.encode(), capture_output=True, timeout=300, env=env, cwd=ROOT, **more)


def expect(code, name, *arguments, says=None, stdin=""):
    """Runs a command, and checks its exit code, its characters, and a word on either stream."""
    done = run(name, *arguments, stdin=stdin)
    where = f"{name} {' '.join(arguments)}"
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode != code:
        fault(f"{where}: exit code {done.returncode}, not {code}: {err.strip()}")
    for text in (out, err):
        if any(letter in text for letter in HIDDEN):
            fault(f"{where}: prints {text!r}")
    if "panicked" in err or "Os {" in err or "os error" in err:
        fault(f"{where}: {err.strip()}")
    if says is not None and says not in out + err:
        fault(f"{where}: does not say {says!r}: {(out + err).strip()}")
    return out


def closed(name, *arguments, stdin="", stream="stdout"):
    """Runs a command whose reader has closed before it begins."""
    reader, writer = os.pipe()
    os.close(reader)
    other = "stderr" if stream == "stdout" else "stdout"
    done = subprocess.run(
        [*command(name), *arguments], input=stdin.encode(), timeout=300, cwd=ROOT,
        **{stream: writer, other: subprocess.PIPE},
    )
    os.close(writer)
    said = (done.stderr or b"") + (done.stdout or b"")
    if done.returncode not in (0, 1, 2) or b"panicked" in said:
        fault(f"{name} {' '.join(arguments)} with {stream} closed: {done.returncode}: {said.decode().strip()}")


def private(path):
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode != 0o600:
        fault(f"{path} has mode {mode:o}")


def main():
    # So that every user can read a file that is created without a mode of its own.
    os.umask(0)
    with tempfile.TemporaryDirectory() as folder:
        check(folder, lambda name: os.path.join(folder, name))
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


def check(folder, file):
    # A control character may come from a quotation mark that joins rows: some columns refuse it.
    soft = "Smi\u200bth\u202e"
    text = soft + "\x1b[2J"
    rows = {
        "good.csv": ["C1,home care,Aindow,Ann,1943-05-19,2,,,,,,KT17 1NA,W,2020-01-01,,,,"],
        "refused.csv": [
            f"C1,home care,{text},Ann,1943-05-19,2,,,,,,KT17 1NA,{soft},2020-01-01,,,,",
            "C2,home care,Bell,Ann,1943-05-32,2,,,,,,KT17 1NA,W,2020-01-01,,,,",
            f"C3{soft},{soft},Bell,Ann,1943-05-19,2,,,,,,,,,,,9.43477E+09{soft},",
        ],
        "unallocated.csv": ["C1,home care,Aindow,Ann,1943-05-19,2,,,,,,KT17 1NA,,,,,,"],
    }
    for name, lines in rows.items():
        with open(file(name), "w") as made:
            made.write("\n".join([COLUMNS, *lines, ""]))
    with open(file("book.xlsx"), "wb") as made:
        made.write(b"PK\x03\x04\x14\x00\x06\x00")
    with open(file("request.csv"), "w") as made:
        made.write(f"UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH\n{text},9991234578,19430519\n")
    db = file("cases.sqlite")

    # Exit codes and messages.
    expect(0, "simulator", "answer-file", "--file", file("request.csv"), "--out", file("response.csv"), says="rows 1")
    expect(2, "simulator", "answer-file", "--file", file("good.csv"), "--out", file("response2.csv"), says="good.csv")
    expect(0, "worker", "--db", file("good.sqlite"), "--import", file("good.csv"), "--once")
    expect(1, "worker", "--db", db, "--import", file("refused.csv"), "--once", "--export", file("out.csv"),
           says="line 3, date_of_birth")
    expect(0, "worker", "--db", db, "--export", file("out.csv"))
    lost = run("worker", "--db", file("lost.sqlite"), "--import", file("good.csv"), "--once", "--attempts", "1",
               "--service", "http://127.0.0.1:1/")
    if lost.returncode != 1 or b"Connection refused" not in lost.stderr:
        fault(f"worker --service: does not say why nothing was answered: {lost.stderr.decode().strip()}")
    expect(1, "trace", file("refused.csv"), "--results", file("results.csv"), says="line 3, date_of_birth")
    expect(1, "report", "--caseload", file("refused.csv"), "--csv", file("quality.csv"), says="line 4, nhs_number")
    expect(0, "report", "--db", db, says="number_damaged:open")
    expect(1, "throughput", "--memory", file("refused.csv"), says="line 4, nhs_number")
    expect(1, "compare", file("refused.csv"), says="line 4, nhs_number")
    expect(1, "compare", file("unallocated.csv"), says="Nothing was compared")
    # No server listens on this port.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        expect(1, "compare", file("good.csv"), "--smsp", nobody, "--fhir", nobody, says="Nothing was compared")
    expect(0, "worker", "--db", file("batch.sqlite"), "--import", file("good.csv"), "--export", file("out.csv"))
    expect(2, "batch", "export", "--db", file("batch.sqlite"), "--out", folder, says="folder")
    expect(2, "batch", "export", "--db", file("none.sqlite"), "--out", file("to-pds.csv"), says="none.sqlite")
    expect(0, "batch", "export", "--db", file("batch.sqlite"), "--out", file("to-pds.csv"), says="1 rows")
    expect(2, "batch", "export", "--db", file("batch.sqlite"), "--out", file("to-pds.csv"), says="exists")
    for wrong in "good.csv", "book.xlsx", "to-pds.csv":
        expect(2, "batch", "import", "--db", file("batch.sqlite"), "--file", file(wrong), says="not a response")
    expect(2, "batch", "import", "--db", file("batch.sqlite"), "--file", file("none.csv"), says="none.csv")
    with open(file("from-pds.csv"), "w") as made:
        made.write(f"UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO\n{soft},00,\nnot-ours,98,0000000000\n")
    expect(1, "batch", "import", "--db", file("batch.sqlite"), "--file", file("from-pds.csv"), "--refused",
           file("refused-rows.csv"), says="unknown")
    expect(0, "batch", "status", "--db", file("batch.sqlite"), says="exported")
    expect(1, "batch", "release", "--db", file("batch.sqlite"), "no-such-batch", says="refused")
    listed = expect(0, "review", "--db", db, "list", says="number_damaged")
    item = next(line for line in listed.splitlines() if "number_damaged" in line)
    damaged = next(row for row in rows["refused.csv"] if "9.43477E+09" in row).split(",")[0]
    if "\\u{200b}" not in item:
        fault(f"review list shows {item!r}")
    expect(0, "review", "--db", db, "show", damaged, "1", says="9.43477E+09")
    expect(0, "audit", "--db", db, "query", "--case", damaged)
    expect(0, "audit", "--db", db, "export", damaged, "--out", file("export.jsonl"))
    expect(0, "audit", "--db", db, "export", "C1")
    for command in ["query", "--case"], ["export"]:
        for _ in range(2):  # The trail records the query, which is no event about the case.
            expect(1, "audit", "--db", db, *command, "NOBODY", says="about this case")
    expect(1, "review", "--db", db, "show", "NOBODY", "1", says="refused")
    expect(1, "review", "--db", db, "delete", "NOBODY", says="refused")
    new = ["user", "add", "--db", db, "--role", "auditor", "--password-stdin", "--full-name", text, "--name"]
    expect(0, *new, "j.doe", stdin="correct gannet tripod\n", says="totp otpauth://")
    expect(0, "user", "list", "--db", db, says="j.doe")
    expect(1, *new, "a.check", stdin="password1234\n", says="easy to guess")
    expect(1, "user", "disable", "--db", db, "--name", "nobody", says="refused")
    expect(2, *new, "a.check", says="one line")
    for command in ["tenant", "list"], ["tenant", "add", "leeds"], ["database", "prepare", "--role", "x"]:
        expect(2, *command, "--db", db, says="a file has no tenants")
        expect(2, *command, "--db", "postgres://x:s3cret@127.0.0.1:1/none", says="postgres://x@127.0.0.1:1/none")
    for path, code in ("tests/data/smsp/details.xml", 0), (file("good.csv"), 2):
        expect(code, "wire", "decode", path)
    expect(1, "check", stdin=f"{text}\n")
    expect(0, "check", stdin="\ufeff943 476 5919\n")
    expect(0, "letter", "--out", file("letter.html"))
    expect(0, "sample-data", "--cases", "20", "--out", file("sample"))

    # Unusable paths.
    missing = file("missing/none")
    for path in folder, missing:
        for name, *arguments in [
            ["worker", "--db", path, "--once"],
            ["worker", "--db", file("other.sqlite"), "--import", path],
            ["review", "--db", path, "list"],
            ["user", "list", "--db", path],
            ["user", "disable", "--db", path, "--name", "j.doe"],
            ["audit", "--db", path, "verify"],
            ["audit", "--db", db, "verify", "--anchors", path],
            ["report", "--db", path],
            ["report", "--caseload", path],
            ["trace", path, "--results", file("results.csv")],
            ["trace", file("good.csv"), "--results", file("results.csv"), "--db", path],
            ["compare", path],
            ["throughput", "--memory", path],
            ["throughput", "--db", path],
            ["wire", "decode", path],
            ["jwks", f"k={path}"],
            ["trace", file("good.csv"), "--results", file("results.csv"), "--roots", path],
            ["trace", file("good.csv"), "--results", file("results.csv"), "--register", path],
        ]:
            if "--anchors" in arguments and path == missing:
                continue  # A missing anchor file has no anchors.
            expect(2, name, *arguments, says=os.path.dirname(path) if path == missing else path)
    for name, *arguments in [
        ["letter", "--out", folder],
        ["worker", "--db", db, "--export", folder],
        ["report", "--csv", folder],
        ["trace", file("good.csv"), "--results", folder],
        ["simulator", "--caseload", folder],
        ["simulator", "answer-file", "--file", file("request.csv"), "--out", folder],
    ]:
        expect(2, name, *arguments, says="it is a folder")
    for name, *arguments in [
        ["worker", "--db", file("other.sqlite"), "--import", file("book.xlsx")],
        ["report", "--caseload", file("book.xlsx")],
        ["trace", file("book.xlsx"), "--results", file("results.csv")],
    ]:
        expect(2, name, *arguments, says="workbook")

    # Files with personal data.
    for name in ["cases.sqlite", "out.csv", "to-pds.csv", "refused-rows.csv", "results.csv", "quality.csv", "letter.html", "export.jsonl", "response.csv",
                 "sample/caseload.csv", "sample/register.csv"]:
        private(file(name))
    killed(file)

    # Closed readers, and the exit codes in the help.
    commands = {
        "completions": ["bash"],
        "man": [],
        "audit": ["--db", db, "query"],
        "check": [],
        "compare": [file("good.csv")],
        "match-quality": ["--people", "100", "--cases", "5", "--mix", "stress"],
        "migrate": ["--from", db, "--to", file("moved.sqlite"), "--tenant", "leeds"],
        "report": ["--db", db],
        "batch": ["status", "--db", db, "--all"],
        "trace": [file("good.csv"), "--results", file("results.csv")],
        "jwks": [],
        "letter": ["--out", file("letter.html")],
        "fhir": ["token"],
        "review": ["--db", db, "list"],
        "user": ["list", "--db", db],
        "sample-data": ["--cases", "20", "--out", file("sample")],
        "soak": ["--cases", "20"],
        "migrate": ["--from", db, "--to", "postgres://nobody@127.0.0.1:1/none", "--tenant", "leeds"],
        "tenant": ["list", "--db", "postgres://nobody@127.0.0.1:1/none"],
        "database": ["check", "--db", "postgres://nobody@127.0.0.1:1/none"],
        "throughput": ["--memory", file("good.csv")],
        "wire": ["decode", "tests/data/smsp/details.xml"],
        "worker": ["--db", db, "--once"],
    }
    listed = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=60).stdout
    listed = listed.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    names = {line.split()[0] for line in listed if not line.startswith("   ")} - {"help"} | set(TOOLS)
    # These print a few lines and serve until they are stopped.
    for name in sorted(names - set(commands) - {"serve", "simulator"}):
        fault(f"{name} is not run with a closed pipe")
    for name, arguments in commands.items():
        for stream in "stdout", "stderr":
            closed(name, *arguments, stdin="x\n9434765919\n", stream=stream)
        closed(name, "--no-such-option", stream="stderr")
    for name in sorted(names):
        expect(0, name, "--help", says="Exit codes: 0")


def killed(file):
    """The next export removes the partial file of a killed one, whatever its name."""
    partial = [file(f".{name}.csv.nhs-pds.partial") for name in ("killed", "killed-yesterday")]
    for path in partial:
        with open(path, "w") as left:
            left.write("half of a person")
        os.chmod(path, 0o600)
    process = subprocess.Popen(
        [*command("trace"), "--results", file("killed.csv")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
    )
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    expect(0, "trace", "--results", file("killed.csv"))
    if any(map(os.path.exists, partial)):
        fault("a partial file stays behind")
    private(file("killed.csv"))


if __name__ == "__main__":
    sys.exit(main())
