"""A first load by file, for `batch.py --large`: what each step takes in two sizes, and an import that is killed."""

import collections
import csv
import os
import shutil
import subprocess
import sys
import threading
import time

from scale import ENV, NO_LIMIT, Simulator, due, fault, limit, query

# The smaller caseload is so many times smaller.
FRACTION = 10
# The names of the steps.
LOAD, EXPORT, ANSWER, IMPORT, REST, SINGLY = "load the cases", "batch export", "PDS answers", "batch import", "the rest", "singly"
# The steps of the command whose time must not grow faster than the caseload, and whose memory must not grow with it. `scale.py`
# measures the memory of a pass.
STEPS = [LOAD, EXPORT, IMPORT, REST]
# A larger file has deeper indexes, and less of it is in SQLite's cache.
MOST_GROWTH, MOST_MEMORY = 2.5, 96
# How many questions of the worker are in progress at a time.
IN_FLIGHT = "16"
# Of the audit trail: the row of each answer, the person of each row, and how often the wait of a person's case has ended. A killed
# program may have recorded an answer, and not yet what follows from it: then it is on record twice, and settled once.
ANSWERS = "SELECT message_id FROM audit_event WHERE kind = 'message_received'"
SENT = "SELECT subject FROM audit_event WHERE kind = 'message_sent'"
SETTLED = """SELECT subject, count(*) FROM audit_event WHERE kind = 'case_changed' AND (details LIKE '%"left_the_batch"%'
    OR details LIKE '%"result"%' AND details NOT LIKE '%"flagged_as_a_duplicate"%') GROUP BY subject"""


class Step:
    """A program that has run to its end, or was killed, and what it took."""

    def __init__(self, command, db, allowed=(0,), kill_after=None):
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
        self.log, self.ended, self.rows = 0, threading.Event(), 0
        watch = threading.Thread(target=self.watch, args=(f"{db}-wal",))
        watch.start()
        killer = threading.Timer(kill_after, process.kill) if kill_after is not None else None
        if killer:
            killer.start()
        self.out, error = process.stdout.read().decode(), process.stderr.read().decode()
        # What the program has written is known until it is reaped.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.written = written_by(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        if killer:
            killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds, self.cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
        self.ended.set()
        watch.join()
        # On Linux, KiB.
        self.peak = used.ru_maxrss / 1024
        self.was_killed = killer is not None and process.returncode == -9
        if process.returncode not in allowed and not self.was_killed:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}: {error.strip()}")

    @property
    def rate(self):
        return self.rows / self.seconds

    @property
    def each(self):
        return self.cpu / max(self.rows, 1)

    def watch(self, log):
        """Notes how large the write-ahead log becomes."""
        while not self.ended.wait(0.1):
            self.log = max(self.log, megabytes(log))


def megabytes(file):
    try:
        return os.path.getsize(file) / 1e6
    except FileNotFoundError:
        return 0


def written_by(process):
    """The megabytes that a process has passed to the system."""
    with open(f"/proc/{process}/io") as counts:
        return next(int(line.split()[1]) for line in counts if line.startswith("wchar")) / 1e6


class Load:
    """A caseload, its database, and the steps so far."""

    def __init__(self, made, folder, cases):
        self.made, self.cases, self.steps = made, cases, {}
        self.folder = os.path.join(folder, f"load-{cases}")
        os.makedirs(self.folder)
        self.db = self.file("db")

    def file(self, name):
        return os.path.join(self.folder, name)

    def step(self, name, command, rows, db=None, **more):
        db = db or self.db
        step = self.steps[name] = Step(command, db, **more)
        step.rows = rows() if callable(rows) else rows
        print(f"  {name}: {step.rows} in {step.seconds:.1f} s ({step.cpu:.1f} s of processor), {step.rate:.0f} a second; "
              f"peak {step.peak:.0f} MiB; {step.written:.0f} MB written, log {step.log:.0f} MB at most, "
              f"file {megabytes(db):.0f} MB", flush=True)
        return step

    def batch(self, what, *more, db=None):
        return [self.made, "batch", what, "--db", db or self.db, "--then", "smsp", *more]

    def imported(self, db=None):
        return self.batch("import", "--file", self.file("response.csv"), db=db)

    def references(self):
        with open(self.file("request.csv"), newline="", encoding="utf-8") as rows:
            return [row["UNIQUE REFERENCE"].upper() for row in csv.DictReader(rows)]

    def rows(self):
        return len(self.references())

    def run(self, simulator):
        """Every step, once. Keeps the file as it was before the export, and before the import."""
        print(f"{self.cases} cases:", flush=True)
        self.step(LOAD, simulator.worker(self.db, "--import", simulator.csv, "--export", os.devnull), self.cases)
        shutil.copy(self.db, self.file("loaded"))
        self.step(EXPORT, self.batch("export", "--out", self.file("request.csv")), self.rows)
        shutil.copy(self.db, self.file("exported"))
        self.step(ANSWER, [self.made, "simulator", "answer-file", "--cases", str(self.cases), "--file",
                           self.file("request.csv"), "--out", self.file("response.csv")], self.rows)
        # 1: some rows were not traced.
        self.step(IMPORT, self.imported(), self.rows, allowed=(0, 1))
        self.check(self.db)
        self.results = results(self.db)
        self.traced(simulator, REST, self.db)

    def traced(self, simulator, name, db):
        """Lets the worker trace what is due. A case is due again a minute after its row was not traced."""
        while soon(db):
            time.sleep(1)
        cases = len(due(db))
        command = simulator.worker(db, "--once", "--in-flight", IN_FLIGHT, *NO_LIMIT)
        return self.step(name, command, cases, db=db, allowed=(0, 1))

    def killed(self, kills, moments):
        """Imports once more, with kills at random moments. Returns the file, and how often a program was killed at work."""
        db, times = shutil.copy(self.file("exported"), self.file("killed")), 0
        whole = self.steps[IMPORT].seconds
        for _ in range(kills):
            moment = moments.uniform(0, whole / kills)
            step = Step(self.imported(db), db, allowed=(0, 1), kill_after=moment)
            times += step.was_killed
            print(f"  {IMPORT}: killed after {moment:.1f} s" if step.was_killed else f"  {IMPORT}: ended", flush=True)
        self.step(f"{IMPORT}, after {times} kills", self.imported(db), self.rows, db=db, allowed=(0, 1))
        return db, times

    def check(self, db):
        """Each row is answered, its case is settled once, and no case waits."""
        answers = {message.upper() for (message,) in query(db, ANSWERS) if message}
        unanswered = sum(1 for reference in self.references() if reference not in answers)
        ends = dict(query(db, SETTLED))
        wrong = sum(1 for (subject,) in query(db, SENT) if ends.get(subject) != 1)
        [(waiting,)] = query(db, "SELECT count(*) FROM case_search WHERE batch IS NOT NULL")
        if unanswered or wrong or waiting:
            fault(f"{os.path.basename(db)}: {unanswered} rows are not answered, {wrong} cases were not settled once, {waiting} wait")


def results(db):
    """How many cases have each result."""
    return query(db, "SELECT json_extract(document, '$.last_trace.result') AS result, count(*) FROM cases GROUP BY 1 ORDER BY 1")


def soon(db):
    now = int(time.time() * 1e6)
    [(count,)] = query(db, "SELECT count(*) FROM case_due WHERE at > ? AND at < ?", now, now + int(120e6))
    return count > 0


def run(made, folder, cases, kills, moments):
    smaller, larger = loads = [Load(made, folder, size) for size in (max(cases // FRACTION, 200), cases)]
    for load in loads:
        with Simulator(made, load.folder, load.cases, "--unanswerable", "0") as simulator:
            load.run(simulator)
            if load is smaller:
                load.traced(simulator, SINGLY, shutil.copy(load.file("loaded"), load.file("singly")))
    base = smaller.steps[SINGLY].rate
    print(f"rows a second, with the worker that traces singly as 1 ({base:.0f} a second):")
    for name in STEPS:
        small, large = smaller.steps[name], larger.steps[name]
        print(f"  {name}: {small.rate / base:.2f} and {large.rate / base:.2f}")
        limit(f"{name}, processor time of a row, larger against smaller", large.each / small.each, most=MOST_GROWTH, unit=" x")
        if name != REST:
            limit(f"{name}, peak memory", large.peak, most=MOST_MEMORY, unit=" MiB")
    db, times = larger.killed(kills, moments)
    if times < kills / 2:
        fault(f"only {times} of {kills} imports were killed at work")
    larger.check(db)
    if results(db) != larger.results:
        fault("after kills, the cases have other results")
