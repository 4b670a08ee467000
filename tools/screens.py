#!/usr/bin/env python3
"""Measures the screens from outside: `nhs-pds serve` over many cases, in an SQLite file and in PostgreSQL.

    python3 tools/screens.py [sqlite] [postgres] [--fraction N] [--rounds N] [--binary FILE] [--folder FOLDER]

Builds `nhs-pds` with optimisation. Fills each store with 1,000,000 cases and at least 100,000 open review items, starts
the screens, signs in, and asks for each page as a browser does. Prints the median and the 95th percentile of each page,
and ends with exit code 1 where a limit is missed: a line `BROKEN`.

* A page takes at most 30 ms in 95 of 100 requests, from the first byte of the request to the last one of the response.
  The best round counts: other programs of the machine only make a round slower.
* The first page of the worklist has at most 60 kB, as it is sent, with style sheets and scripts.

`--fraction 100` is for CI: its stores are smaller by this factor, and the limits are the same. A page of the worklist
must not take longer because there are more cases.

Needs PostgreSQL's programs for `postgres`, version 15 or later: see tools/postgres.py.
"""

import argparse
import base64
import gzip
import hashlib
import hmac
import html
import http.client
import os
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

import postgres
import scale
from postgres import SCHEMA, Database, Server
from scale import ENV, NO_LIMIT, Simulator, build, finished, limit

PASSWORD = "correct horse battery staple 7!"
# The limits of the requirement.
MOST_MS, MOST_KB = 30, 60
# The pages that are turned before a deep page is measured.
TURNED = 20


def copies_of(columns, values, table, times, source="", more=""):
    """A statement that copies rows of `table` under other case ids."""
    numbers = f"(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {times - 1}) SELECT n FROM n)"
    return (f"INSERT INTO {source}{table} ({more}case_id, {columns}) SELECT {more}case_id || '-' || n, {values} "
            f"FROM {source}{table}, {numbers} AS copies")


# The columns of each table but the case id, and the values of a copy. Documents are copied under the other id.
TABLES = {
    "cases": ("version, nhs_number, document",
              """version, nhs_number, replace(document, '"' || case_id || '"', '"' || case_id || '-' || n || '"')"""),
    "case_due": ("priority, at, to_review", "priority, at, to_review"),
    "case_search": ("is_live, nhs_number, surname, date_of_birth, postcode",) * 2,
    "case_worker": ("worker", "worker"),
    "case_item": ("item, is_open, state, reason, assignee, opened_at, has_number",) * 2,
}


def multiplied(times, source="", more="", version=""):
    """Statements that multiply the cases of a store, with the rows by which they are found."""
    for table, (columns, values) in TABLES.items():
        if table == "case_due" and version:
            columns, values = f"{version}, {columns}", f"{version}, {values}"
        yield copies_of(columns, values, table, times, source, more)


def worked(simulator, *where):
    """Imports the caseload and traces it once."""
    made = simulator.made
    finished([made, "worker", *where, "--import", simulator.csv, "--export", os.devnull])
    finished([made, "worker", *where, "--once", "--in-flight", "8"])


class Sqlite:
    """A file with many cases."""

    name = "SQLite"

    def __init__(self, made, folder, base, times):
        self.file = os.path.join(folder, "screens.sqlite")
        with Simulator(made, folder, base, "--unanswerable", "0") as simulator:
            worked(simulator, "--db", self.file, "--service", simulator.url, *NO_LIMIT)
        connection = sqlite3.connect(self.file, isolation_level=None)
        connection.execute("PRAGMA synchronous = off")
        connection.execute("PRAGMA cache_size = -200000")
        for statement in multiplied(times):
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        self.where = ["--db", self.file]

    def value(self, sql):
        return scale.query(self.file, sql.format(schema=""))[0][0]


class Postgres:
    """A tenant with many cases, in a server of its own."""

    name = "PostgreSQL"

    def __init__(self, server, made, folder, base, times):
        self.database = Database(server, made, "screens")
        with Simulator(made, folder, base, "--unanswerable", "0") as simulator:
            self.database.add("leeds", simulator.url, *NO_LIMIT)
            worked(simulator, "--db", self.database.app, "--tenant", "leeds")
        for statement in multiplied(times, f"{SCHEMA}.", "tenant, ", "version"):
            self.database.sql(statement)
        # Nothing is saved here, so the counts of the copies are added as a save adds them.
        kinds = "state, reason, has_number, is_assigned"
        self.database.sql(
            f"INSERT INTO {SCHEMA}.case_item_count (tenant, {kinds}, n) SELECT tenant, {kinds}, sum(n) * {times - 1} "
            f"FROM {SCHEMA}.case_item_count GROUP BY tenant, {kinds}", "VACUUM ANALYZE")
        self.where = ["--db", self.database.app, "--tenant", "leeds"]

    def value(self, sql):
        return self.database.value(sql.format(schema=f"{SCHEMA}."))


def code_of(address):
    """The code that an authenticator app shows now for an otpauth address."""
    query = urllib.parse.parse_qs(urllib.parse.urlparse(address).query)
    secret, algorithm = query["secret"][0], query.get("algorithm", ["SHA1"])[0].lower()
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = struct.pack(">Q", int(time.time()) // int(query.get("period", ["30"])[0]))
    digest = hmac.new(key, counter, getattr(hashlib, algorithm)).digest()
    at = digest[-1] & 15
    digits = int(query.get("digits", ["6"])[0])
    return str((struct.unpack(">I", digest[at:at + 4])[0] & 0x7fffffff) % 10**digits).zfill(digits)


class Browser:
    """Asks for pages over one connection, as a browser does."""

    def __init__(self, url):
        self.url = urllib.parse.urlparse(url)
        self.connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        self.cookies = {}

    def request(self, method, path, body=None):
        headers = {"Accept-Encoding": "gzip", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = f"{self.url.scheme}://{self.url.netloc}"
            headers["Sec-Fetch-Site"] = "same-origin"
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        sent = response.read()
        seconds = time.perf_counter() - began
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return response, sent, seconds

    def page(self, path):
        """The text of a page, its seconds and its bytes as sent."""
        response, sent, seconds = self.request("GET", path)
        if response.status != 200:
            sys.exit(f"a page has status {response.status}")
        is_packed = response.getheader("Content-Encoding") == "gzip"
        text = gzip.decompress(sent) if is_packed else sent
        return text.decode(), seconds, len(sent)

    def sign_in(self, user, address):
        form = urllib.parse.urlencode({"user": user, "password": PASSWORD, "code": code_of(address), "to": ""})
        response, _, _ = self.request("POST", "/sign-in", form)
        if response.status not in (302, 303):
            sys.exit(f"{user} cannot sign in: status {response.status}")


class Screens:
    """The screens of a store, in a process of their own."""

    def __init__(self, made, where):
        self.made, self.where = made, where

    def __enter__(self):
        command = [self.made, "serve", *self.where, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENV)
        line = self.process.stdout.readline().split()
        if len(line) != 2:
            sys.exit("the screens do not start")
        self.url = line[1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def user(self, name, role, *more):
        """A browser in which a new user is signed in."""
        command = [self.made, "user", "add", *self.where, "--name", name, "--role", role, "--password-stdin", *more]
        done = subprocess.run(command, input=PASSWORD + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=ENV)
        if done.returncode != 0:
            sys.exit(f"{role} could not be added: {done.stderr.strip()}")
        browser = Browser(self.url)
        browser.sign_in(name, done.stdout.split()[1])
        return browser


def links(text, of):
    """The addresses in a page that match a pattern."""
    return [html.unescape(link) for link in re.findall(of, text)]


def measured(browser, path, requests):
    times = sorted(browser.page(path)[1] * 1000 for _ in range(requests))
    return times[len(times) // 2], times[min(len(times) - 1, len(times) * 95 // 100)]


def worklist_pages(browser):
    """The pages to measure, by name: each tab, filters, a deep page, an item and a case."""
    text, _, _ = browser.page("/worklist")
    pages = {"worklist": "/worklist"}
    for link in links(text, r'href="(/worklist\?tab=[a-z_]+)"'):
        pages[f"worklist, tab {link.partition('=')[2]}"] = link
    reasons = re.findall(r'<option value="([a-z_:]+)"', text)
    if reasons:
        pages[f"worklist, reason {reasons[0]}"] = f"/worklist?tab=&reason={urllib.parse.quote(reasons[0])}"
    pages["worklist, without an NHS Number"] = "/worklist?tab=&number=without"
    deep = "/worklist"
    for _ in range(TURNED):
        following = links(browser.page(deep)[0], r'href="([^"]+)" rel="next"')
        if not following:
            break
        deep = following[0]
    pages["worklist, a deep page"] = deep
    items = links(text, r'href="(/item/[^"]+)"')
    if not items:
        sys.exit("the worklist has no item")
    pages["item"] = items[0]
    pages["case"] = "/case/" + items[0].split("/")[2]
    return pages


def sent_at_first(browser):
    """The bytes of the first page of the worklist as they are sent, with its style sheets and scripts."""
    text, _, size = browser.page("/worklist")
    parts = links(text, r'<link rel="stylesheet" href="([^"]+)"') + links(text, r'<script type="module" src="([^"]+)"')
    seen = set()
    while parts:
        part = parts.pop()
        if part not in seen:
            seen.add(part)
            content, _, more = browser.page(part)
            size += more
            folder = part.rpartition("/")[0]
            parts += [urllib.parse.urljoin(folder + "/", name) for name in re.findall(r'from\s*"([^"]+\.js)"', content)]
    return size, len(seen)


def measure(store, made, options):
    cases = int(store.value("SELECT count(*) FROM {schema}case_search"))
    items = int(store.value("SELECT count(*) FROM {schema}case_item WHERE is_open"))
    worker = store.value("SELECT worker FROM {schema}case_worker GROUP BY worker ORDER BY count(*), worker LIMIT 1")
    own = int(store.value(f"SELECT count(*) FROM {{schema}}case_worker WHERE worker = '{worker.replace(chr(39), chr(39) * 2)}'"))
    print(f"  {cases} cases, {items} open items; the front-line worker has {own} cases", flush=True)
    if items < cases // 10:
        postgres.broken(f"{store.name} has too few open items for this measurement")
    with Screens(made, store.where) as screens:
        officer = screens.user("dana.quality", "data-quality")
        front = screens.user("fran.line", "front-line", "--worker", worker)
        size, parts = sent_at_first(officer)
        print(f"  the first page is sent in {1 + parts} parts")
        limit(f"{store.name}: the first page as sent", size / 1000, most=MOST_KB, unit=" kB")
        pages = [(name, officer, path) for name, path in worklist_pages(officer).items()]
        pages.append(("worklist of a front-line worker", front, "/worklist"))
        for name, browser, path in pages:
            rounds = [measured(browser, path, options.requests) for _ in range(options.rounds)]
            median, most = min(rounds, key=lambda one: one[1])
            print(f"  {name}: {median:.1f} ms in the median")
            limit(f"{store.name}: {name}, 95 of 100", most, most=MOST_MS, unit=" ms")


def main():
    arguments = argparse.ArgumentParser(description="Measures the screens from outside")
    arguments.add_argument("stores", nargs="*", metavar="STORE", help="sqlite, postgres; both without a name")
    arguments.add_argument("--fraction", type=int, default=1, help="the divisor of the number of cases; 100 in CI")
    arguments.add_argument("--rounds", type=int, default=5, help="how often each page is measured; the best round counts")
    arguments.add_argument("--requests", type=int, default=40, help="the requests of a round")
    arguments.add_argument("--binary", help="an nhs-pds that is built already")
    arguments.add_argument("--folder", help="where the stores are; default /tmp. Each needs 4 GB")
    options = arguments.parse_args()
    unknown = set(options.stores) - {"sqlite", "postgres"}
    if unknown:
        arguments.error(f"no such store: {', '.join(sorted(unknown))}")
    made = os.path.abspath(options.binary) if options.binary else build()
    cases = 1_000_000 // options.fraction
    base = min(cases, 5_000)
    times = cases // base
    wanted = options.stores or ["sqlite", "postgres"]
    if "sqlite" in wanted:
        print("SQLite:", flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(Sqlite(made, folder, base, times), made, options)
    if "postgres" in wanted:
        print("PostgreSQL:", flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder, Server(options.folder) as server:
            measure(Postgres(server, made, folder, base, times), made, options)
    faults = len(scale.FAULTS)
    print(f"limits broken: {faults}" if faults else "every limit is kept")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
