#!/usr/bin/env python3
"""Measures and tests workers over PostgreSQL from outside: the command, the simulator, and a server between them.

    python3 tools/postgres.py [chaos] [restart] [scale] [fair] [large]
                              [--fraction N] [--cases N] [--minutes M] [--binary FILE] [--seed N] [--folder FOLDER]

Builds `nhs-pds` with optimisation, starts a PostgreSQL server of its own, runs the named parts (without names, all of
them), and prints their figures. A broken limit is a line `BROKEN`, and ends the program with exit code 1. Sizes are
those of docs/performance.md; `--fraction 20` is for CI.

* `chaos`: four workers on three tenants over a service with 10 % faults. One of them is killed every few seconds. Each
  case ends as without that. No case is traced twice but those of killed workers. Chains verify. The application's
  role sees no row of another tenant. In no second are there more questions than rate and burst of the shared limit.
* `restart`: the server is killed and started while four workers run. They continue within ten seconds, and each case
  ends as without that.
* `scale`: four workers against one; PostgreSQL against SQLite.
* `fair`: a tenant with 100 cases waits at most two rounds behind a tenant with a first load.
* `large`: 150 tenants with 1,000,000 cases: a pass with nothing due, a page of the worklist, bytes a case, and what
  60 million cases need.

Needs PostgreSQL's programs, version 15 or later. Where they are missing it says so; with the variable `CI` set it fails. The
server has the settings of production: each commit is on disk.
"""

import argparse
import bisect
import collections
import csv
import io
import json
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import scale
from scale import ENV, NO_LIMIT, Simulator, Trail, build, endings, endings_of, finished, limit

# The roles: one owns the schema, and the workers connect as the other. Neither is a superuser.
OWNER, APPLICATION = "nhs_pds_owner", "nhs_pds_app"
SCHEMA = "nhs_pds"
IN_FLIGHT = 8
# The cases of a tenant that a worker has in work at the same time, by the engine: most wait for a retry, for a permit
# or for the answer to a further question. A killed worker's are traced anew.
BEGUN = 16 * IN_FLIGHT


def broken(text):
    scale.FAULTS.append(text)
    print(f"BROKEN: {text}", flush=True)


scale.fault = broken


def programs():
    """The folder of the newest programs of PostgreSQL."""
    found = shutil.which("initdb")
    if found:
        return os.path.dirname(os.path.realpath(found))
    root = "/usr/lib/postgresql"
    versions = sorted(os.listdir(root), key=lambda name: -int(name)) if os.path.isdir(root) else []
    if not versions:
        print("PASSED OVER: PostgreSQL's programs are not installed: install the package postgresql-15", flush=True)
        sys.exit(1 if "CI" in os.environ else 0)
    return os.path.join(root, versions[0], "bin")


def server_user():
    """Options of `subprocess` for the server's user. PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for name in "postgres", "nobody":
        try:
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        except KeyError:
            continue
    sys.exit("no user is left to run PostgreSQL as")


class Server:
    """A PostgreSQL server with a folder of its own."""

    def __init__(self, parent=None):
        self.programs, self.user = programs(), server_user()
        self.folder = tempfile.mkdtemp(prefix="nhs-pds-pg-", dir=parent or "/tmp")
        self.data, self.log = os.path.join(self.folder, "data"), os.path.join(self.folder, "log")
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])

    def __enter__(self):
        # A shell that stops the server and removes its folder when this program ends, however it ends.
        script = 'read -r _; "$0" -D "$1/data" -s -m immediate stop; cd / && rm -rf "$1"'
        keeper = ["sh", "-c", script, os.path.join(self.programs, "pg_ctl"), self.folder]
        self.keeper = subprocess.Popen(keeper, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True, **self.user)
        self.call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
                  "--locale-provider=icu", "--icu-locale=en-GB")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\n"
                       "unix_socket_permissions = 0700\nmax_connections = 300\nshared_buffers = 256MB\n"
                       "max_wal_size = 2GB\n")
        self.start()
        for role in OWNER, APPLICATION:
            self.sql("postgres", f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS")
        return self

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, program, *arguments):
        done = subprocess.run([os.path.join(self.programs, program), *arguments], cwd="/", stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, **self.user)
        if done.returncode != 0:
            sys.exit(f"{program} ended with {done.returncode}: {done.stderr.strip()}")

    def start(self):
        # Its error output is the log: the server would keep a pipe open.
        done = subprocess.run([os.path.join(self.programs, "pg_ctl"), "-D", self.data, "-l", self.log, "-w", "-s", "start"],
                              cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user)
        if done.returncode != 0:
            sys.exit(f"the server does not start: {open(self.log).read()[-2000:]}")

    def kill(self):
        self.call("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "-s", "stop")

    def url(self, role, database):
        return f"postgres://{role}@{self.folder.replace('/', '%2F')}/{database}"

    def psql(self, database, *statements, role="postgres"):
        """Runs statements in one session. Returns the exit code, the rows of the last one with rows, and the errors."""
        commands = [part for statement in statements for part in ("-c", statement)]
        # `-c` has one session for all, and each is a transaction of its own.
        done = subprocess.run(["psql", "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", role,
                               "-d", database, *commands], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=ENV)
        return done.returncode, list(csv.reader(io.StringIO(done.stdout))), done.stderr

    def sql(self, database, *statements, role="postgres"):
        code, rows, error = self.psql(database, *statements, role=role)
        if code != 0:
            raise RuntimeError(f"{statements}: {error.strip()}")
        return rows


class Database:
    """A database with the schema of the command."""

    def __init__(self, server, made, name):
        self.server, self.made, self.name = server, made, name
        self.tenants = {}
        server.sql("postgres", f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0")
        finished([made, "database", "prepare", "--db", server.url(OWNER, name), "--role", APPLICATION])
        self.app = server.url(APPLICATION, name)

    def sql(self, *statements, role="postgres"):
        return self.server.sql(self.name, *statements, role=role)

    def value(self, statement):
        return self.sql(statement)[0][0]

    def add(self, tenant, service, *more):
        finished([self.made, "tenant", "add", tenant, "--db", self.app, "--ods-code", "RHM",
                  "--service", service, *more])
        self.tenants[tenant] = int(self.value(f"SELECT tenant FROM {SCHEMA}.tenant WHERE name = '{tenant}'"))

    def worker(self, *more):
        return [self.made, "worker", "--db", self.app, *more]

    def imported(self, tenant, caseload):
        finished(self.worker("--tenant", tenant, "--import", caseload, "--export", os.devnull))

    def due(self, tenant=None, within=0):
        """The number of cases that are due, of one tenant or of all."""
        of = "" if tenant is None else f"AND tenant = {self.tenants[tenant]}"
        now = int((time.time() + within) * 1e6)
        return int(self.value(f"SELECT count(*) FROM {SCHEMA}.case_due WHERE at <= {now} AND NOT damaged {of}"))

    def endings(self, tenant):
        def documents(table):
            return self.sql(f"SELECT document FROM {SCHEMA}.{table} WHERE tenant = {self.tenants[tenant]}")

        return endings_of(documents("cases"), documents("alert"))

    def trail(self, tenant):
        return Events(self, self.tenants[tenant])

    def verify(self, tenant):
        done = subprocess.run([self.made, "audit", "--db", self.app, "--tenant", tenant, "verify"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
        if done.returncode != 0:
            broken(f"{tenant}: the audit trail does not verify: {(done.stdout + done.stderr).strip()}")


class Events(Trail):
    """The audit trail of a tenant."""

    def __init__(self, database, tenant):
        of = f"WHERE tenant = {tenant}"
        subjects = f"SELECT encode(subject, 'hex'), case_id FROM {SCHEMA}.audit_subject {of} AND case_id IS NOT NULL"
        text = "convert_from(kind, 'UTF8'), convert_from(message_id, 'UTF8'), convert_from(details, 'UTF8')"
        events = f"SELECT seq, {text}, encode(subject, 'hex') FROM {SCHEMA}.audit_event {of} ORDER BY seq"
        rows = ((int(seq), kind, message or None, details, subject) for seq, kind, message, details, subject in database.sql(events))
        self.read(((subject, case) for subject, case in database.sql(subjects)), rows)


def split(caseload, folder, shares):
    """Writes the rows of a caseload to a file for each tenant: `shares` is its part of the rows."""
    with open(caseload, newline="") as file:
        header, *rows = csv.reader(file)
    files, begin, total = {}, 0, sum(shares.values())
    for at, (tenant, share) in enumerate(shares.items()):
        end = len(rows) if at == len(shares) - 1 else begin + len(rows) * share // total
        files[tenant] = os.path.join(folder, f"{tenant}.csv")
        with open(files[tenant], "w", newline="") as file:
            csv.writer(file).writerows([header, *rows[begin:end]])
        begin = end
    return files


def undisturbed(simulator, made, folder, files):
    """How each tenant's caseload ends in a file, over a service without faults."""
    run = ["--once", "--in-flight", str(IN_FLIGHT), *NO_LIMIT]
    ends = {}
    for tenant, caseload in files.items():
        db = os.path.join(folder, f"{tenant}.sqlite")
        finished([made, "worker", "--db", db, "--service", simulator.url, "--import", caseload, *run])
        ends[tenant] = endings(db)[0]
    return ends


def compare(database, expected):
    """Compares the end of each tenant with that of an undisturbed run, and verifies its trail."""
    for tenant, ends in expected.items():
        found, wrong = database.endings(tenant)
        other = sorted(key for key in ends.keys() | found.keys() if ends.get(key) != found.get(key))
        if other:
            broken(f"{tenant}: {len(other)} of {len(ends)} cases or alerts end in another way, such as {other[0]}")
            for key in other[:3]:
                difference(database, tenant, key, ends.get(key), found.get(key))
        if wrong:
            broken(f"{tenant}: {len(wrong)} numbers have no owner, or two")
        left = database.due(tenant)
        if left:
            broken(f"{tenant}: {left} cases are still due")
        database.verify(tenant)


def difference(database, tenant, key, expected, found):
    """Shows the fields in which a case or an alert differs. All people are invented."""
    expected, found = json.loads(expected or "{}"), json.loads(found or "{}")
    print(f"  {tenant} {key}")
    for field in sorted(expected.keys() | found.keys()):
        if expected.get(field) != found.get(field):
            print(f"    {field}: expected {expected.get(field)}\n    {field}: found    {found.get(field)}")
    due = database.sql(f"SELECT priority, at / 1000000 - extract(epoch FROM now())::bigint, owner FROM {SCHEMA}.case_due "
                       f"WHERE tenant = {database.tenants[tenant]} AND case_id = '{key}'")
    print(f"    priority, seconds until it is due, owner: {due}")
    for event in database.trail(tenant).events:
        if event[4] == key:
            print("    ", *event[:4])


class Workers:
    """Worker processes that run until they are stopped. Their messages are in files."""

    def __init__(self, command, folder, count):
        self.command, self.folder, self.count = command, folder, count
        self.running, self.started, self.ended = [], 0, []

    def __enter__(self):
        for _ in range(self.count):
            self.running.append(self.start())
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.wait()

    def start(self):
        self.started += 1
        with open(os.path.join(self.folder, f"worker-{self.started}.err"), "w") as error:
            return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=error, env=ENV)

    def kill(self, at):
        """Kills a worker, and starts another in its place."""
        process = self.running[at]
        process.kill()
        process.wait()
        self.running[at] = self.start()

    def watch(self):
        """Reports workers that have ended by themselves, and starts others."""
        for at, process in enumerate(self.running):
            if process.poll() is not None:
                self.ended.append(process.returncode)
                self.running[at] = self.start()

    def stop(self, within=30):
        """Stops all workers as an operator does."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                if process.wait(timeout=within) not in (0, 1):
                    broken(f"a worker ended with {process.returncode} after SIGTERM")
            except subprocess.TimeoutExpired:
                broken(f"a worker did not end within {within} s of SIGTERM")
        if self.ended:
            broken(f"{len(self.ended)} workers ended by themselves: {self.ended[:5]}; {self.said()}")

    def said(self):
        """The last message of a worker."""
        for number in range(self.started, 0, -1):
            lines = open(os.path.join(self.folder, f"worker-{number}.err")).read().split("\n")
            lines = [line for line in lines if line.strip()]
            if lines:
                return lines[-1]
        return "no message"


def requests(simulator):
    """When each logged request came, in seconds. Requests whose connection was cut are not logged."""
    return sorted(came for came, *_ in simulator.answers())


def most_in(times, width):
    """The most of these moments in any window of this width."""
    return max((bisect.bisect_left(times, first + width) - at for at, first in enumerate(times)), default=0)


def until(what, seconds, condition):
    """Waits for a condition."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(0.2)
    broken(f"{what} not within {seconds:.0f} s")
    return None


def finish(database, tenants):
    """Runs each tenant alone, until no case is due soon: killed workers have leases, and questions that could not be
    sent while the database was away are asked a minute later."""
    began = time.monotonic()
    for tenant in tenants:
        while database.due(tenant, within=120) and time.monotonic() - began < 240:
            subprocess.run(database.worker("--tenant", tenant, "--once", "--in-flight", str(IN_FLIGHT), "--attempts", "8"),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENV, timeout=300)
            time.sleep(1)


def asked_twice(database, kills):
    """Cases that were traced again in a pass. A killed worker leaves a question open, and its case begins anew."""
    again, answered = 0, []
    for tenant in database.tenants:
        trail = database.trail(tenant)
        received = {message for _, _, message, *_ in trail.of("message_received")}
        steps, last = collections.defaultdict(set), {}
        for _, _, message, details, case in trail.of("message_sent"):
            step = details["question"], details["step"]
            # A retry names the message that had no answer, and belongs to its step.
            if step in steps[case] and "repeats" not in details:
                again += 1
                steps[case].clear()
                if last[case] in received:
                    answered.append((tenant, case, [event[:4] for event in trail.events if event[4] == case]))
            steps[case].add(step)
            last[case] = message
    print(f"  {again} cases were traced again after {kills} kills")
    if answered:
        tenant, case, events = answered[0]
        broken(f"{len(answered)} cases were traced again though no question was open, such as {case} of {tenant}")
        for event in events:
            print("   ", *event)
    most = kills * BEGUN * len(database.tenants)
    if again > most:
        broken(f"{again} cases were traced again, and {kills} killed workers had at most {most} open")


def isolation(database):
    """Tries to see and to change rows of another tenant as the application's role."""
    server, name = database.server, database.name
    secured = f"""SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class
        WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind IN ('r', 'p') AND EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant' AND NOT attisdropped)
        AND relname <> 'tenant' ORDER BY relname"""
    tables = {}
    for table, is_secured in database.sql(secured):
        tables[table] = is_secured == "t"
        if not tables[table]:
            broken(f"{table} has no forced row-level security")
    ids, tried = sorted(database.tenants.values()), 0

    def attempt(tenant, *statements):
        nonlocal tried
        tried += 1
        setting = [] if tenant is None else [f"SET {SCHEMA}.tenant = '{tenant}'"]
        return server.psql(name, *setting, *statements, role=APPLICATION)

    def refused(what, tenant, *statements):
        code, rows, _ = attempt(tenant, *statements)
        if code == 0:
            broken(f"the application's role may {what}: {rows[:1]}")

    for table in tables:
        seen = {tenant: int(database.value(f"SELECT count(*) FROM {SCHEMA}.{table} WHERE tenant = {tenant}")) for tenant in ids}
        for tenant in (None, "", 0, 999_999):
            code, rows, _ = attempt(tenant, f"SELECT count(*) FROM {SCHEMA}.{table}")
            if code == 0 and rows != [["0"]]:
                broken(f"{table}: {rows} rows are visible with the tenant {tenant!r}")
        for tenant in ids:
            _, rows, error = attempt(tenant, f"SELECT count(*), count(*) FILTER (WHERE tenant <> {tenant}) FROM {SCHEMA}.{table}")
            if rows != [[str(seen[tenant]), "0"]]:
                broken(f"{table}: tenant {tenant} has {seen[tenant]} rows and sees {rows} {error.strip()}")
        one, other = ids[:2]
        changes = [f"UPDATE {SCHEMA}.{table} SET tenant = tenant WHERE tenant = {other}",
                   f"DELETE FROM {SCHEMA}.{table} WHERE tenant = {other}"]
        for change in changes:
            code, rows, _ = attempt(one, f"WITH changed AS ({change} RETURNING 1) SELECT count(*) FROM changed")
            if code == 0 and rows != [["0"]]:
                broken(f"{table}: tenant {one} changes rows of {other}: {rows}")
        if seen[one]:
            refused(f"give a row of {table} to another tenant", one, f"UPDATE {SCHEMA}.{table} SET tenant = {other}")
        refused(f"switch off the policies of {table}", one, "SET row_security = off", f"SELECT * FROM {SCHEMA}.{table}")
        refused(f"change {table}", one, f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
        refused(f"truncate {table}", one, f"TRUNCATE {SCHEMA}.{table}")
        refused(f"drop the policy of {table}", one, f"DROP POLICY tenant ON {SCHEMA}.{table}")
    refused("become the owner", None, f"SET ROLE {OWNER}")
    print(f"  isolation: {tried} attempts on {len(tables)} tables of {len(ids)} tenants")
    if len(tables) < 5:
        broken(f"only {len(tables)} tables belong to tenants")


def storm(options, made, folder, server, name):
    """Three tenants with the cases of one simulator, and how they end undisturbed."""
    cases = options.cases or 20_000 // options.fraction
    with Simulator(made, folder, cases, "--unanswerable", "0") as simulator:
        files = split(simulator.csv, folder, {"one": 3, "two": 2, "three": 1})
        expected = undisturbed(simulator, made, folder, files)
        messages = sum(1 for _ in simulator.answers())
    os.remove(simulator.log)
    database = Database(server, made, name)
    return cases, files, expected, messages, database


def chaos(options, made, folder, server):
    cases, files, expected, messages, database = storm(options, made, folder, server, "chaos")
    seconds = 60 * (options.minutes or 5) / (options.fraction if options.minutes is None else 1)
    # The storm lasts as long as the work.
    rate = max(10, int(messages * 1.12 / seconds))
    with Simulator(made, folder, cases, "--unanswerable", "0", "--faults", "10", "--delay", "20") as simulator:
        for tenant, caseload in files.items():
            database.add(tenant, simulator.url, "--allowance", "shared", "--per-second", str(rate))
            database.imported(tenant, caseload)
        command = database.worker("--in-flight", str(IN_FLIGHT), "--attempts", "8")
        kills, began = 0, time.monotonic()
        with Workers(command, folder, 4) as workers:
            while time.monotonic() - began < 3 * seconds:
                time.sleep(options.moments.uniform(0.5, 1.5) * (4 if options.fraction == 1 else 2))
                workers.watch()
                if time.monotonic() - began > seconds and not database.due():
                    break
                if time.monotonic() - began < seconds:
                    workers.kill(options.moments.randrange(4))
                    kills += 1
            took = time.monotonic() - began
            workers.stop()
        finish(database, files)
        times = requests(simulator)
    most = most_in(times, 1)
    print(f"  {cases} cases in 3 tenants, {len(times)} answers, {kills} kills in {took:.0f} s, {rate} a second allowed")
    burst = int(options.burst or rate)
    limit("requests in any second", most, most=rate + burst)
    limit("requests, of the allowed rate", 100 * len(times) / (times[-1] - times[0]) / rate, least=50, unit=" %")
    asked_twice(database, kills)
    compare(database, expected)
    isolation(database)


def restart(options, made, folder, server):
    cases, files, expected, messages, database = storm(options, made, folder, server, "restarted")
    rate = max(20, int(messages / 20))
    with Simulator(made, folder, cases, "--unanswerable", "0", "--delay", "20") as simulator:
        for tenant, caseload in files.items():
            database.add(tenant, simulator.url, "--allowance", "shared", "--per-second", str(rate))
            database.imported(tenant, caseload)
        command = database.worker("--in-flight", str(IN_FLIGHT), "--attempts", "8")
        with Workers(command, folder, 4) as workers:
            until("the workers have not begun", 30, lambda: len(requests(simulator)) > messages // 4)
            # A short stop, and one that is longer than a worker waits between two attempts.
            for pause in 0, 5:
                server.kill()
                time.sleep(pause)
                server.start()
                ready, before = time.time(), len(requests(simulator))
                until("a question after the restart is", 10, lambda: requests(simulator)[-1] > ready)
                first = next((came for came in requests(simulator) if came > ready), ready + 99)
                limit(f"after {pause} s without a server, the next question comes after", first - ready, most=10, unit=" s")
                until("the work goes on", 15, lambda: len(requests(simulator)) > before + 20 or not database.due())
            until("the end of the work", 120, lambda: not database.due())
            workers.watch()
            workers.stop()
        finish(database, files)
    compare(database, expected)
    print(f"  {cases} cases in 3 tenants, {messages} questions")


def scaling(options, made, folder, server):
    cases = options.cases or (20_000 // options.fraction if options.fraction < 10 else 2_000)
    rates, database = collections.defaultdict(float), Database(server, made, "scaled")

    def measure(count, attempt):
        # Each process has as much to do, so that both runs take as long.
        share, tenant = cases // 4 if count == 1 else cases, f"with-{count}-{attempt}"
        place = os.path.join(folder, f"{count}-{attempt}")
        os.makedirs(place)
        with Simulator(made, place, share, "--delay", "100", "--unanswerable", "0") as simulator:
            database.add(tenant, simulator.url, *NO_LIMIT)
            database.imported(tenant, simulator.csv)
            command = database.worker("--tenant", tenant, "--once", "--in-flight", str(IN_FLIGHT), "--attempts", "1")
            workers = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENV)
                       for _ in range(count)]
            for worker in workers:
                _, error = worker.communicate()
                if worker.returncode not in (0, 1):
                    broken(f"{count} workers: one ended with {worker.returncode}: {error.strip()}")
            answers = list(simulator.answers())
            rate = len(answers) / (max(sent for _, sent, *_ in answers) - min(came for came, *_ in answers))
            rates[count] = max(rates[count], rate)
            print(f"  {count} workers: {len(answers)} questions, {rate:.0f} a second")
            if database.due(tenant):
                broken(f"{count} workers: {database.due(tenant)} cases are still due")

    for attempt in range(3):
        measure(1, attempt)
        measure(4, attempt)
        if rates[4] / rates[1] >= 3.5:
            break
    limit("four workers against one", rates[4] / rates[1], least=3.5, unit=" ×")
    stores(options, made, folder, server)


def stores(options, made, folder, server):
    cases, best = options.cases or (100_000 // options.fraction), collections.defaultdict(float)
    place = os.path.join(folder, "stores")
    os.makedirs(place)
    database = Database(server, made, "stores")
    with Simulator(made, place, cases) as simulator:
        for attempt in range(1 if options.fraction > 1 else 3):
            file, tenant = simulator.imported(simulator.file(f"{attempt}.sqlite")), f"attempt-{attempt}"
            database.add(tenant, simulator.url, *NO_LIMIT)
            database.imported(tenant, simulator.csv)
            for name, where in ("SQLite", ["--db", file]), ("PostgreSQL", ["--db", database.app, "--tenant", tenant]):
                [report] = simulator.throughput(*where)
                best[name] = max(best[name], report["seen"] / report["seconds"])
    for name, rate in best.items():
        print(f"  {cases} cases in {name}: {rate:.0f} a second")
    print(f"  PostgreSQL against SQLite: {best['PostgreSQL'] / best['SQLite']:.3g} ×")


def copied(database, source):
    """Copies the rows of a tenant to all other tenants. A trail does not contain its tenant, so a copy verifies."""
    of = database.tenants[source]
    tables = database.sql(f"""SELECT table_name, string_agg(column_name, ', ' ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_schema = '{SCHEMA}' AND column_name <> 'tenant' AND is_generated = 'NEVER' AND is_identity = 'NO' AND table_name IN
        ('cases', 'case_due', 'case_item', 'case_item_count', 'case_worker', 'case_search', 'audit_event', 'audit_subject', 'audit_subject_number', 'audit_anchor')
        GROUP BY table_name""")
    # Each tenant's trail has the event that added it.
    for table in "audit_anchor", "audit_event", "audit_subject", "audit_subject_number":
        database.sql(f"DELETE FROM {SCHEMA}.{table} WHERE tenant <> {of}")
    for table, columns in tables:
        database.sql(f"INSERT INTO {SCHEMA}.{table} (tenant, {columns}) SELECT other, {columns} FROM {SCHEMA}.{table}, "
                     f"(SELECT tenant AS other FROM {SCHEMA}.tenant WHERE tenant <> {of}) AS others WHERE tenant = {of}")


def grown(database, tenant, times):
    """Multiplies the cases of a tenant, under other ids."""
    of = database.tenants[tenant]
    document = """replace(document, '"' || case_id || '"', '"' || case_id || '-' || n || '"')"""
    for table, columns, values in [
        ("cases", "version, nhs_number, document", f"version, nhs_number, {document}"),
        ("case_due", "version, priority, at, to_review", "version, priority, at, to_review"),
        ("case_search", "is_live, nhs_number, surname, date_of_birth, postcode",
         "is_live, nhs_number, surname, date_of_birth, postcode"),
        ("case_worker", "worker", "worker"),
    ]:
        database.sql(f"INSERT INTO {SCHEMA}.{table} (tenant, case_id, {columns}) SELECT tenant, case_id || '-' || n, {values} "
                     f"FROM {SCHEMA}.{table}, generate_series(1, {times - 1}) AS n WHERE tenant = {of}")


def fair(options, made, folder, server):
    large, small, rate = 500_000 // options.fraction, 100, 40
    base = min(large, 5_000)
    database = Database(server, made, "fair")
    with Simulator(made, folder, base + 4 * small, "--delay", "20", "--unanswerable", "0") as simulator:
        files = split(simulator.csv, folder, {"large": base, "small": small, "rest": 3 * small})
        for tenant in "large", "small":
            database.add(tenant, simulator.url, "--allowance", "shared", "--per-second", str(rate))
            database.imported(tenant, files[tenant])
        grown(database, "large", large // base)
        database.sql("VACUUM ANALYZE")
        loaded = int(database.value(f"SELECT count(*) FROM {SCHEMA}.case_due WHERE tenant = {database.tenants['large']}"))
        with Workers(database.worker("--in-flight", str(IN_FLIGHT)), folder, 2) as workers:
            until("the end of the small borough's work", 120, lambda: not database.due("small"))
            time.sleep(1)
            workers.stop()
        came = {message: at for at, _, message, _ in simulator.answers()}
        order = []
        for tenant in "large", "small":
            order += [(came[message], tenant) for message in database.trail(tenant).case_of() if message in came]
    order = [tenant for _, tenant in sorted(order)]
    places = [at for at, tenant in enumerate(order) if tenant == "small"]
    # The last questions wait for their case's first answer, and not for the other borough.
    gaps = [after - before - 1 for before, after in zip(places, places[1:-IN_FLIGHT])]
    between = places[-1] - places[0] + 1 - len(places)
    print(f"  {loaded} cases beside {small}: {len(places)} questions of the small borough among {len(order)}")
    limit("questions of the large borough for each of the small one", between / len(places), most=2)
    # Each worker has rounds of its own, and a question also waits for the commit before it.
    print(f"  questions of the large borough before one of the small one: {sorted(gaps)[len(gaps) // 2]} in the median, "
          f"{max(gaps)} at most, {places[0]} before the first")


def large(options, made, folder, server):
    cases, tenants = options.cases or 1_000_000 // options.fraction, 150
    each = max(20, cases // tenants)
    database = Database(server, made, "large")
    with Simulator(made, folder, each, "--unanswerable", "0") as simulator:
        for number in range(tenants):
            database.add(f"borough-{number}", simulator.url, *NO_LIMIT)
        first = "borough-0"
        database.imported(first, simulator.csv)
        finished(database.worker("--tenant", first, "--once", "--in-flight", str(IN_FLIGHT)))
        began = time.monotonic()
        copied(database, first)
        print(f"  {each * tenants} cases in {tenants} tenants, loaded in {time.monotonic() - began:.0f} s")
        database.sql("VACUUM ANALYZE")
        sizes(database, each * tenants)
        middle = f"borough-{tenants // 2}"
        database.verify(middle)
        idle(database, simulator, middle)


def idle(database, simulator, tenant):
    where = ["--db", database.app, "--tenant", tenant]
    passes = simulator.throughput(*where, "--passes", "21", "--pages", "21")
    times = sorted(one["seconds"] for one in passes if one.get("seen") == 0)
    if len(times) < 10:
        return broken(f"only {len(times)} passes had nothing due")
    limit("a pass with nothing due, the best", 1000 * times[0], most=50, unit=" ms")
    print(f"  the median of {len(times)}: {1000 * times[len(times) // 2]:.3g} ms")
    pages = [one for one in passes if "page_seconds" in one]
    times = sorted(one["page_seconds"] for one in pages)
    print(f"  {max(one['items'] for one in pages)} items a page")
    limit("a page of the worklist, the median", 1000 * times[len(times) // 2], most=30, unit=" ms")
    return None


def sizes(database, cases):
    """The bytes of a case in each table and index, and what 60 million cases need."""
    rows = database.sql(f"""SELECT relname, reltuples::bigint, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
        WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind = 'r' ORDER BY pg_total_relation_size(oid) DESC""")
    indexes = database.sql(f"""SELECT indrelid::regclass, indexrelid::regclass, pg_relation_size(indexrelid) FROM pg_index
        JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = '{SCHEMA}'::regnamespace
        ORDER BY pg_relation_size(indexrelid) DESC""")
    total = sum(int(table) + int(index) for _, _, table, index in rows)
    print("  bytes a case                     table  indexes  rows a case")
    for name, count, table, index in rows:
        if int(table) + int(index) > cases:
            print(f"    {name:<26} {int(table) / cases:>9.0f} {int(index) / cases:>8.0f} {int(count) / cases:>12.2f}")
    print(f"    all                        {total / cases:>9.0f}")
    for _, name, size in indexes:
        if int(size) > cases:
            print(f"      {name.removeprefix(SCHEMA + '.'):<40} {int(size) / cases:>6.0f}")
    events = int(database.value(f"SELECT count(*) FROM {SCHEMA}.audit_event WHERE kind = 'message_sent'")) / cases
    people, half_year = 60e6, 182.5 * 86_400
    print(f"  60 million cases: {total / cases * people / 1e9:.0f} GB with the trail of one pass; traced twice a year:")
    trail = sum(int(table) + int(index) for name, _, table, index in rows if name.startswith("audit_"))
    print(f"    {people * events / half_year:.1f} questions a second, and {trail / cases * people * 2 / 1e9:.0f} GB of trail a year")


PARTS = {"chaos": chaos, "restart": restart, "scale": scaling, "fair": fair, "large": large}


def main():
    arguments = argparse.ArgumentParser(description="Measures and tests workers over PostgreSQL from outside")
    arguments.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all without a name")
    arguments.add_argument("--fraction", type=int, default=1, help="the divisor of all sizes; 20 in CI")
    arguments.add_argument("--cases", type=int, help="another number of cases")
    arguments.add_argument("--minutes", type=float, help="how long workers are killed")
    arguments.add_argument("--burst", type=int, help="the burst of the shared limit; default: as its rate")
    arguments.add_argument("--binary", help="an nhs-pds that is built already")
    arguments.add_argument("--folder", help="where the server keeps its data; default /tmp")
    arguments.add_argument("--seed", type=int, default=int(time.time()), help="of the random moments")
    options = arguments.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        arguments.error(f"no such part: {', '.join(sorted(unknown))}")
    options.moments = random.Random(options.seed)
    made = os.path.abspath(options.binary) if options.binary else build()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Server(options.folder) as server:
        for name, part in PARTS.items():
            if not options.parts or name in options.parts:
                place = os.path.join(folder, name)
                os.makedirs(place)
                began_part = time.monotonic()
                print(f"{name}:", flush=True)
                part(options, made, place, server)
                print(f"  ({time.monotonic() - began_part:.0f} s)", flush=True)
    faults = len(scale.FAULTS)
    print(f"{f'limits broken: {faults}' if faults else 'every limit is kept'}, {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
