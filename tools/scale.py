#!/usr/bin/env python3
"""Measures and tests the worker from outside: the command, the simulator, and the SQLite file between them.

    python3 tools/scale.py [starvation] [kills] [stops] [idle] [processes] [stores] [memory]
                           [--full] [--cases N] [--against REV] [--seed N]

Builds `nhs-pds` with optimisation, runs the named parts (without names, all of them), prints their figures,
and ends with exit code 1 where a limit is missed. Limits of speed are ratios within one run. Without
`--full`, the sizes are those of CI: about one twentieth.

* `starvation`: 1 % of the cases are always answered with SMSP-0004. The others are settled in the first pass,
  and questions are sent at the allowed rate.
* `kills`: the worker is killed again and again. Decisions, alerts and trail end as without that.
* `stops`: the worker is stopped at random moments. Each answer that arrived is on record and settled.
* `idle`: a pass with nothing due takes about as long in a large file as in a small one.
* `processes`: worker processes on one file work side by side, and ask each question once.
* `stores`: SQLite against everything in memory, and against the code of `--against`: a git revision, which is
  built in a worktree of its own, or an `nhs-pds` that is built already. What SQLite writes, where `strace` is
  installed.
* `memory`: the most memory that the import of a large file takes, and the pass over it.

The simulator is a process of its own, and logs the messages that it has answered.
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENV = {key: value for key, value in os.environ.items() if not key.startswith(("PDS_FHIR", "NHS_PDS"))}
# More than any machine sends.
NO_LIMIT = ["--per-second", "100000"]
# What a case has of the time or the attempt of its answer.
LEFT_OUT = {"at", "message_id", "opened_at", "sent_at", "since", "unreadable", "version"}
# What it has of the time at which it is traced again.
TIMES = {"not_before", "retry_after"}
# What depends on which case of a pair was answered first.
OF_THE_FIRST = {"asking", "last_trace", "nhs_number"}

FAULTS = []


def fault(text):
    FAULTS.append(text)
    print(f"FAULT: {text}", flush=True)


def limit(what, value, least=None, most=None, unit=""):
    bound = f"at least {least}{unit}" if most is None else f"at most {most}{unit}"
    print(f"  {what}: {value:.3g}{unit} ({bound})", flush=True)
    if (least is not None and value < least) or (most is not None and value > most):
        fault(f"{what} is {value:.3g}{unit}, and not {bound}")


def build(folder=ROOT, target=None):
    """Builds the command, and returns its path."""
    command = ["cargo", "build", "--release", "--locked", "-p", "nhs-pds-cli", "--message-format=json-render-diagnostics"]
    env = {**os.environ, "CARGO_TARGET_DIR": target} if target else None
    made = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, env=env)
    messages = map(json.loads, made.stdout.splitlines())
    return next(filter(None, (message.get("executable") for message in messages)))


def build_old(revision):
    """The path of the command of an earlier revision. It stays in the target directory for the next run."""
    if os.access(revision, os.X_OK) and os.path.isfile(revision):
        return revision
    commit = subprocess.run(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    kept = os.path.join(ROOT, "target", "scale-against", commit)
    if not os.path.exists(kept):
        tree = tempfile.mkdtemp()
        subprocess.run(["git", "worktree", "add", "--detach", tree, commit], cwd=ROOT, check=True)
        try:
            os.makedirs(os.path.dirname(kept), exist_ok=True)
            shutil.copy(build(tree, os.path.join(tree, "target")), kept)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
    return kept


def finished(command):
    """Runs the command to its end, and returns its output."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    out, err = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {err.strip()}")
    return out


class Simulator:
    """A service in a process of its own, its caseload, and its log of answers."""

    def __init__(self, made, folder, cases, *more):
        self.made, self.folder, self.cases = made, folder, cases
        self.csv, self.log = os.path.join(folder, f"{cases}.csv"), os.path.join(folder, f"{cases}.log")
        self.command = [made, "simulator", "--cases", str(cases), "--caseload", self.csv, "--log", self.log, *more]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=ENV)
        self.url = self.process.stdout.readline().split()[1]  # smsp URL
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def file(self, name):
        return os.path.join(self.folder, name)

    def answers(self):
        """When each request came and was answered, in seconds, its message and its code."""
        with open(self.log) as log:
            for line in log:
                came, sent, message, code = line.split()
                yield int(came) / 1e6, int(sent) / 1e6, message, code

    def worker(self, db, *more, made=None):
        return [made or self.made, "worker", "--db", db, "--service", self.url, *more]

    def imported(self, db, made=None):
        finished(self.worker(db, "--import", self.csv, "--export", os.devnull, made=made))
        return db

    def throughput(self, *more, made=None, before=()):
        out = finished([*before, made or self.made, "dev", "throughput", "--service", self.url, *more])
        return [json.loads(line) for line in out.splitlines()]


class Trail:
    """The audit trail of a file, or of other rows with the same columns."""

    SUBJECTS = "SELECT subject, case_id FROM audit_subject WHERE case_id IS NOT NULL"
    EVENTS = "SELECT seq, kind, message_id, details, subject FROM audit_event ORDER BY seq"

    def __init__(self, db):
        self.read(query(db, self.SUBJECTS), query(db, self.EVENTS))

    def read(self, subjects, events):
        cases = dict(subjects)
        self.events = [
            (seq, kind, message, dict(json.loads(details)), cases.get(subject))
            for seq, kind, message, details, subject in events
            if kind in ("message_sent", "message_received", "case_changed")
        ]
        # A question that is on record and was not sent, because the worker was told to stop.
        unsent = {message for _, _, message, details, _ in self.events if details.get("outcome") == "not_sent"}
        self.events = [event for event in self.events if event[2] is None or event[2] not in unsent]

    def of(self, kind):
        return [event for event in self.events if event[1] == kind]

    def case_of(self):
        """The case of each message that was sent."""
        return {message: case for _, _, message, _, case in self.of("message_sent")}

    def decided(self):
        """For each case the last decision about an answer: its place in the trail, and its result."""
        changes = self.of("case_changed")
        # A case is flagged because of the answer about another.
        own = [event for event in changes if "result" in event[3] and event[3]["decision"] != "flagged_as_a_duplicate"]
        return {case: (seq, details["result"]) for seq, _, _, details, case in own}


def query(db, sql, *values):
    connection = sqlite3.connect(db)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def due(db):
    """The cases that are due now."""
    now = int(time.time() * 1e6)
    return {row[0] for row in query(db, "SELECT case_id FROM case_due WHERE at <= ? AND damaged = 0", now)}


def said(report):
    """The numbers of a printed report: the totals, and the results."""
    totals, results, part = {}, {}, None
    for line in report.splitlines():
        name, _, count = line.rpartition(" ")
        if line.startswith("    ") and part == "Asked about":
            results[name.strip()] = int(count)
        elif re.fullmatch(r"\S.* +\d+", line):
            part = name.strip()
            totals[part] = int(count)
    return totals, collections.Counter(results)


def starvation(options, made, folder):
    cases, allowed = options.cases or (20_000 if options.full else 2_000), 100
    shares = []
    with Simulator(made, folder, cases, "--unanswerable", "1", "--delay", "100") as simulator:
        for attempt in range(3):
            db = simulator.imported(simulator.file(f"{attempt}.db"))
            before = sum(1 for _ in simulator.answers())
            finished(simulator.worker(db, "--once", "--in-flight", "16", "--per-second", str(allowed)))
            answers = list(simulator.answers())[before:]
            case_of = Trail(db).case_of()
            never = {case_of[message] for _, _, message, code in answers if code == "SMSP-0004"}
            settled = {case for case, (_, result) in Trail(db).decided().items() if result != "unavailable"} - never
            left = due(db) - never - settled
            # A burst is allowed at the beginning.
            times = [came for came, _, message, _ in answers if case_of[message] not in never]
            first, last = times[min(3 * allowed, len(times) // 2)], times[-1]
            sent = sum(1 for came, *_ in answers if first < came <= last)
            shares.append(sent / (last - first) / allowed)
            if max(shares) >= 0.95:
                break
    print(f"  {len(settled) + len(left)} cases that can be answered, {len(never)} that cannot; {len(answers)} messages")
    if not never:
        fault("every case was answered: the simulator left none out")
    limit("settled in the first pass", 100 * len(settled) / (len(settled) + len(left)), least=99, unit=" %")
    limit("messages, of the allowed rate", 100 * max(shares), least=95, unit=" %")


def endings(db):
    """The endings of a file."""
    return endings_of(query(db, "SELECT document FROM cases"), query(db, "SELECT document FROM alert"))


def endings_of(cases, alerts):
    """Each case and each alert without what depends on time or attempt, as text; and the pairs of one person."""

    def timeless(value):
        if isinstance(value, dict):
            kept = {name: inner for name, inner in value.items() if name not in LEFT_OUT}
            return {name: bool(inner) if name in TIMES else timeless(inner) for name, inner in kept.items()}
        return [timeless(inner) for inner in value] if isinstance(value, list) else value

    found, pairs, owners = {}, set(), collections.Counter()
    for (document,) in cases:
        case = timeless(json.loads(document))
        number = (case.get("nhs_number") or {}).get("number")
        if number and not case.get("deleted"):
            owners[number] += 1
        for item in case.get("review", []):
            if item["reason"] == "duplicate" and item["state"] == "open":
                evidence = item["evidence"]
                pairs.add((evidence["nhs_number"], tuple(sorted([case["id"], *evidence["others"]]))))
                item["evidence"] = {name: evidence[name] for name in ("nhs_number", "others")}
                case = {name: inner for name, inner in case.items() if name not in OF_THE_FIRST}
        found[case["id"]] = json.dumps(case, sort_keys=True)
    for (document,) in alerts:
        alert = timeless(json.loads(document))
        if alert["kind"] == "duplicate":
            about = sorted([alert["case_id"], *alert["others"]])
            alert = {"id": f"about {' and '.join(about)}", "nhs_number": alert["nhs_number"]}
        found[f"alert {alert['id']}"] = json.dumps(alert, sort_keys=True)
    doubled = {number for number, count in owners.items() if count > 1}
    unowned = {number for number, _ in pairs if not owners[number]}
    return found, doubled | unowned


def kills(options, made, folder):
    cases, most = options.cases or (1_200 if options.full else 240), 50 if options.full else 30
    # A case without an answer would be due again soon, and on a busy machine before its file is compared.
    with Simulator(made, folder, cases, "--delay", "5", "--unanswerable", "0") as simulator:
        run = ["--once", "--lease", "100ms", "--in-flight", "4", *NO_LIMIT]
        whole = simulator.imported(simulator.file("undisturbed"))
        began = time.monotonic()
        finished(simulator.worker(whole, *run))
        # The parts of one copy together do most of the work of an undisturbed run.
        longest = 0.1 + 2 * (time.monotonic() - began) / most
        expected, _ = endings(whole)
        killed, copies = 0, 0
        while killed < most:
            db = simulator.imported(simulator.file(f"killed-{copies}"))
            copies += 1
            while killed < most:
                process = subprocess.Popen(simulator.worker(db, *run), stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, env=ENV)
                try:
                    process.wait(timeout=options.moments.uniform(0.01, longest))
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    killed += 1
            for _ in range(3):
                finished(simulator.worker(db, *run))
            compare(made, db, expected, f"copy {copies}")
            sent = Trail(db).case_of()
        answered = {message for _, _, message, _ in simulator.answers()}
    print(f"  {killed} kills over {copies} times {cases} cases; {len(expected) - cases} alerts in each")
    if not sent.keys() & answered:
        fault("the log of the simulator is not that of this trail")


def compare(made, db, expected, name):
    """Compares the end of a killed copy with the undisturbed run."""
    found, wrong = endings(db)
    other = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if other:
        fault(f"{name}: {len(other)} cases or alerts end in another way, such as {other[0]}")
    if wrong:
        fault(f"{name}: {len(wrong)} numbers have no owner, or two")
    verified = subprocess.run([made, "audit", "--db", db, "verify"], stdout=subprocess.DEVNULL, env=ENV)
    if verified.returncode != 0:
        fault(f"{name}: the audit trail is broken")
    left = due(db)
    if left:
        fault(f"{name}: {len(left)} cases are still due")


def stops(options, made, folder):
    cases, times = options.cases or 480, 50 if options.full else 12
    with Simulator(made, folder, cases, "--delay", "20") as simulator:
        clean = simulator.imported(simulator.file("clean"))
        run = ["--once", "--in-flight", "8", "--attempts", "1", *NO_LIMIT]
        whole, answered, stopped = None, 0, 0
        for time_ in range(times + 1):
            db = shutil.copy(clean, simulator.file(f"stopped-{time_}"))
            before = sum(1 for _ in simulator.answers())
            began = time.monotonic()
            process = subprocess.Popen(simulator.worker(db, *run), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, env=ENV)
            if whole is not None:
                time.sleep(options.moments.uniform(0.05 * whole, whole))
                process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
            if process.returncode not in (0, -signal.SIGTERM):
                sys.exit(f"the worker ended with {process.returncode}: {err.strip()}")
            whole = whole or time.monotonic() - began
            if process.returncode == 0:
                stopped += "stopped" in err
                answers = list(simulator.answers())[before:]
                answered += len(answers)
                settled(db, answers, out)
    print(f"  {stopped} of {times} runs were stopped at work; {answered} answers, each on record and settled")
    if stopped < times / 2:
        fault("most runs ended before they were stopped")


def settled(db, answers, report):
    """Compares the answers that were sent with the trail, with the cases, and with the printed report."""
    trail, name = Trail(db), os.path.basename(db)
    sent = trail.case_of()
    received = {message: (seq, case) for seq, _, message, details, case in trail.of("message_received")}
    lost = [message for _, _, message, _ in answers if message not in received]
    if lost:
        fault(f"{name}: {len(lost)} answers are not in the trail")
    if {message for _, _, message, _ in answers} != set(sent):
        fault(f"{name}: other messages are in the trail than were answered")
    decided = trail.decided()
    last = {case: seq for seq, case in sorted(received.values())}
    open_ = {case for case, seq in last.items() if case not in decided or decided[case][0] < seq}
    if open_:
        fault(f"{name}: {len(open_)} answered cases are not settled")
    totals, results = said(report)
    not_asked = results.pop("not_asked", 0)
    counted = collections.Counter(result for _, result in decided.values())
    if results != counted:
        fault(f"{name}: the report says {dict(results)}, and the trail {dict(counted)}")
    if totals["Asked about"] - not_asked != len(last):
        fault(f"{name}: the report says {totals['Asked about']} cases, and {len(last)} were asked about")


def traced(options, made, folder, cases, measure):
    """A file of traced cases. Measures the memory of the import and of the pass, if asked to."""
    kept = options.traced.get(cases)
    if kept is None:
        # A case without an answer would be due again soon.
        with Simulator(made, folder, cases, "--unanswerable", "0") as simulator:
            db = simulator.file("traced")
            command = simulator.worker(db, "--import", simulator.csv, "--export", os.devnull)
            began = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENV)
            error = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                sys.exit(f"the import ended with {process.returncode}: {error.decode().strip()}")
            imported = usage.ru_maxrss / 1024, time.monotonic() - began
            [passed] = simulator.throughput("--db", db)
            os.remove(simulator.log)
            kept = options.traced[cases] = db, imported, passed
    if measure:
        _, (peak, seconds), passed = kept
        print(f"  {cases} cases: imported in {seconds:.0f} s, traced in {passed['seconds']:.0f} s")
        limit("peak memory of the import", peak, most=64, unit=" MiB")
        limit("peak memory of the pass", passed["peak_kib"] / 1024, most=64, unit=" MiB")
    return kept[0]


def memory(options, made, folder):
    traced(options, made, folder, options.cases or (1_000_000 if options.full else 50_000), True)


def idle(options, made, folder):
    large, small = options.cases or (1_000_000 if options.full else 50_000), 1_000
    best = {}
    for cases in small, large:
        place = os.path.join(folder, str(cases))
        os.makedirs(place, exist_ok=True)
        db = traced(options, made, place, cases, False)
        # With nothing due, nothing is sent to the service; it must only be given.
        command = [made, "dev", "throughput", "--db", db, "--service", "http://127.0.0.1:1/", "--passes", "21"]
        passes = [json.loads(line) for line in finished(command).splitlines()]
        # Some cases may have become due since they were traced.
        times = [one["seconds"] for one in passes if one["seen"] == 0]
        if len(times) < 10:
            return fault(f"only {len(times)} passes over {cases} cases had nothing due")
        best[cases] = min(times)
        print(f"  {cases} cases: {1000 * best[cases]:.2f} ms a pass, the best of {len(times)}")
    limit("a pass with nothing due", 1000 * best[large], most=50, unit=" ms")
    limit(f"{large} cases against {small}", best[large] / best[small], most=3, unit=" ×")


def processes(options, made, folder):
    cases = options.cases or (20_000 if options.full else 3_200)
    rates = collections.defaultdict(float)

    def measure(count, attempt):
        # Each process has as much to do, so that all runs take as long.
        share = cases // 4 if count == 1 else cases
        place = os.path.join(folder, f"{count}-{attempt}")
        os.makedirs(place, exist_ok=True)
        # A case without an answer would be due again soon, and on a busy machine before the others are done.
        with Simulator(made, place, share, "--delay", "100", "--unanswerable", "0") as simulator:
            db = simulator.imported(simulator.file("db"))
            command = simulator.worker(db, "--once", "--in-flight", "8", "--attempts", "1", *NO_LIMIT)
            workers = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENV)
                       for _ in range(count)]
            for worker in workers:
                _, err = worker.communicate()
                if worker.returncode != 0:
                    fault(f"{count} processes: one ended with {worker.returncode}: {err.strip()}")
            answers = list(simulator.answers())
            rate = len(answers) / (max(sent for _, sent, *_ in answers) - min(came for came, *_ in answers))
            rates[count] = max(rates[count], rate)
            sent = Trail(db).of("message_sent")
            # A case has one question for each step of the strategy.
            asked = collections.Counter(
                (case, details["question"], details["step"]) for _, _, _, details, case in sent
            )
            twice = sum(number > 1 for number in asked.values())
            if twice:
                fault(f"{count} processes: {twice} questions were asked twice")
            if {message for _, _, message, _ in answers} != {message for _, _, message, *_ in sent}:
                fault(f"{count} processes: other messages are in the trail than were answered")
            if due(db):
                fault(f"{count} processes: {len(due(db))} cases are still due")
            subprocess.run([made, "audit", "--db", db, "verify"], check=True, stdout=subprocess.DEVNULL, env=ENV)
            print(f"  {count} processes: {len(answers)} questions, {rate:.0f} a second")

    for attempt in range(3):
        measure(1, attempt)
        measure(4, attempt)
        if rates[4] / rates[1] >= 3.5:
            break
    measure(16, 0)
    limit("four processes against one", rates[4] / rates[1], least=3.5, unit=" ×")
    print(f"  sixteen processes against one: {rates[16] / rates[1]:.3g} ×")


def stores(options, made, folder):
    cases, old = options.cases or (100_000 if options.full else 5_000), options.against and build_old(options.against)
    best, least = collections.defaultdict(float), 0.6
    with Simulator(made, folder, cases) as simulator:
        for attempt in range(6):
            # The best of three. On a busy machine, the best of more.
            if attempt >= 3 and best["SQLite"] >= least * best["memory"] and best["SQLite"] >= best.get("SQLite before", 0):
                break
            runs = [("memory", made, ["--memory", simulator.csv])]
            for name, binary in ("SQLite", made), ("SQLite before", old):
                if binary:
                    db = simulator.imported(simulator.file(f"{attempt}-{name}"), made=binary)
                    runs.append((name, binary, ["--db", db]))
            for name, binary, where in runs:
                [report] = simulator.throughput(*where, made=binary)
                best[name] = max(best[name], report["seen"] / report["seconds"])
            tried = attempt + 1
        for name, rate in best.items():
            print(f"  {cases} cases in {name}: {rate:.0f} a second, the best of {tried}")
        limit("SQLite against memory", best["SQLite"] / best["memory"], least=least, unit=" ×")
        if old:
            limit("SQLite against SQLite before", best["SQLite"] / best["SQLite before"], least=1, unit=" ×")
        else:
            print("  not compared with earlier code: name a revision with --against")
    for name, binary in ("SQLite", made), ("SQLite before", old):
        if binary:
            written(made, folder, name, binary)


def written(made, folder, name, binary):
    """Counts what SQLite writes for a case."""
    strace = shutil.which("strace")
    if not strace:
        return print("  writes are not counted: strace is not installed")
    cases = 1_000
    place = os.path.join(folder, f"written {name}")
    os.makedirs(place)
    with Simulator(made, place, cases) as simulator:
        db, trace = simulator.imported(simulator.file("db"), made=binary), simulator.file("strace")
        calls = [strace, "-f", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,pwrite64"]
        [report] = simulator.throughput("--db", db, made=binary, before=calls)
    syncs, bytes_ = 0, 0
    with open(trace, errors="replace") as lines:
        for line in lines:
            syncs += bool(re.search(r"\b(fsync|fdatasync)\(", line))
            wrote = re.search(r"pwrite64\(\d+<[^>]*-wal>.* = (\d+)$", line)
            bytes_ += int(wrote[1]) if wrote else 0
    asked = report["asked"]
    print(f"  {name}: {syncs / asked:.2f} syncs and {bytes_ / asked / 1024:.1f} KiB of write-ahead log a traced case")


PARTS = [memory, idle, starvation, kills, stops, processes, stores]


def main():
    names = {part.__name__: part for part in PARTS}
    arguments = argparse.ArgumentParser(description="Measures and tests the worker from outside")
    arguments.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(names)}; all without a name")
    arguments.add_argument("--full", action="store_true", help="the sizes of docs/performance.md, not those of CI")
    arguments.add_argument("--cases", type=int, help="another number of cases")
    arguments.add_argument("--against", metavar="REV", help="the revision, or the binary, with which `stores` compares")
    arguments.add_argument("--binary", help="an nhs-pds that is built already")
    arguments.add_argument("--seed", type=int, default=int(time.time()), help="of the random moments")
    options = arguments.parse_args()
    unknown = set(options.parts) - set(names)
    if unknown:
        arguments.error(f"no such part: {', '.join(sorted(unknown))}")
    options.moments, options.traced = random.Random(options.seed), {}
    made = options.binary or build()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            if not options.parts or part.__name__ in options.parts:
                place = os.path.join(folder, part.__name__)
                os.makedirs(place)
                began_part = time.monotonic()
                print(f"{part.__name__}:", flush=True)
                part(options, made, place)
                print(f"  ({time.monotonic() - began_part:.0f} s)", flush=True)
    print(f"{'limits missed: ' + str(len(FAULTS)) if FAULTS else 'every limit is kept'}, {time.monotonic() - began:.0f} s")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
