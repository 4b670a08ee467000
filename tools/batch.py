#!/usr/bin/env python3
"""Traces a caseload by file through a real MESH: the command, NHS England's mesh-sandbox, and PDS behind its mesh-client.

    python3 tools/batch.py [--cases N] [--kills N] [--rows N] [--seed N] [--binary FILE]
    python3 tools/batch.py --large [--cases N] [--kills N] [--seed N] [--binary FILE]

Builds `nhs-pds` with optimisation, and makes a Python environment with both packages (tools/mesh.py).

1. A copy of the caseload is traced singly, over the simulator's Spine Mini Service.
2. A copy is traced by file. `batch send`, `batch collect` and `worker --batch` run again and again, and are killed (SIGKILL) at
   random moments. PDS is the simulator, which answers the files. If the copy is settled before the number of kills is reached,
   another copy is traced. The worker then asks the questions that the responses leave open.
3. Another copy is traced by hand: `batch export` and `batch import` are killed, a quarter as often.
4. No file was sent twice, each row that left was settled once, no case waits, and no file with patient data is left. All copies
   have the same decisions, but for the differences that docs/batch.md has.
5. A report that a file was not delivered returns its cases.

Without --cases and --kills: 20,000 cases and 50 kills.

With --large: a first load by files without a mailbox, of 500,000 cases and of a tenth of them (--cases). Prints for each step its
time, rows a second, peak memory, and what it writes. Then imports the response again, killed at 3 random moments (--kills). Needs
12 GB in the folder for temporary files, and 3 GiB of memory for the simulator.

A broken limit is a line `FAULT`, and ends the program with exit code 1.
"""

import argparse
import collections
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

import batch_large
import mesh
import scale
from scale import ENV, NO_LIMIT, Simulator, Trail, due, fault, query

HERE = os.path.dirname(os.path.abspath(__file__))
# How many copies of the caseload are traced in each way to reach the number of kills.
MOST_COPIES = 5
# The mailboxes and the secrets of the sandbox.
MAILBOX, RECIPIENT, PASSWORD, KEY = "X26ABC1", "X26ABC2", "password", "TestKey"


class Sandbox:
    """The sandbox, on a port of its own."""

    def __init__(self, python):
        command = [python, os.path.join(scale.ROOT, "tests", "mesh", "sandbox.py"), "0"]
        env = {**ENV, "AUTH_MODE": "full", "SHARED_KEY": KEY, "STORE_MODE": "memory", "ENV": "local", "BUILD_LABEL": "x"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=env)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def report(self, local_id):
        body = {"mailbox_id": MAILBOX, "code": "14", "description": "not collected", "workflow_id": "SPINE_PDS_MESH_V1",
                "file_name": "", "local_id": local_id, "status": "undeliverable", "subject": ""}
        request = urllib.request.Request(f"{self.url}/messageexchange/admin/report", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            assert response.status == 200


class Copy:
    """A copy of the caseload that is traced by file."""

    def __init__(self, simulator, sandbox, db, rows):
        self.made, self.db, self.rows = simulator.made, simulator.imported(db), rows
        self.simulator = simulator
        self.env = {**ENV, "MESH_PASSWORD": PASSWORD, "MESH_KEY": KEY}
        self.mailbox = ["--mesh", sandbox.url, "--mailbox", MAILBOX, "--recipient", RECIPIENT,
                        "--mesh-settling", "0s", "--mesh-password", "env:MESH_PASSWORD", "--mesh-shared-key", "env:MESH_KEY"]

    def command(self, what):
        more = ["--max-rows", str(self.rows)] if what == "send" else []
        return self.by_hand(what, *self.mailbox, *more)

    def by_hand(self, what, *more):
        return [self.made, "batch", what, "--db", self.db, "--then", "smsp", *more]

    def worker(self):
        batch = ["--batch", "first-load,at-least=1", "--interval", "500ms", *self.mailbox]
        return self.simulator.worker(self.db, *NO_LIMIT, *batch)

    def start(self, command):
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)

    def run(self, what):
        process = self.start(self.command(what))
        out, err = process.communicate()
        # 1: rows were refused.
        if process.returncode not in (0, 1):
            sys.exit(f"batch {what} ended with {process.returncode}: {err.strip()}")
        return out

    def batches(self):
        out = subprocess.run([self.made, "batch", "status", "--db", self.db, "--all", "--json"], stdout=subprocess.PIPE,
                             text=True, env=ENV).stdout
        return [json.loads(line) for line in out.splitlines()]

    def documents(self):
        return [json.loads(document) for (document,) in query(self.db, "SELECT document FROM cases")]

    def waiting(self):
        return sum(1 for case in self.documents() if case["asking"].get("submitted"))

    def is_settled(self):
        """Whether every batch has ended, and there was one."""
        return {batch["state"] for batch in self.batches()} == {"closed"} and self.waiting() == 0

    def files(self):
        """The files with patient data that are left."""
        folder = self.db + "-batches"
        return [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names if name != "lock"]


def singly(simulator, db):
    """Traces what is due, until nothing is. A run ends early where several cases in a row get no answer, or one refusal."""
    command = simulator.worker(db, "--once", "--in-flight", "8", "--attempts", "2", *NO_LIMIT)
    left, idle = None, 0
    while idle < 10:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENV)
        if done.returncode not in (0, 1):
            sys.exit(f"worker ended with {done.returncode}: {done.stderr.strip()}")
        before, left = left, len(due(db))
        if not left:
            return
        idle = idle + 1 if left == before else 0
        time.sleep(2)
    fault(f"{len(due(db))} cases of {os.path.basename(db)} are still due")


def decision(case):
    number = case.get("nhs_number") or {}
    reasons = sorted(item["reason"] for item in case.get("review", []) if item["state"] in ("open", "with_gp", "with_nbo"))
    return number.get("number"), number.get("status"), case.get("date_of_death"), reasons


def result(case):
    return (case.get("last_trace") or {}).get("result")


def requests(folder, copies):
    """What PDS has received of each copy: the ids of the batches, and the references of the rows with how often each came."""
    with open(os.path.join(folder, "received")) as file:
        received = [json.loads(line) for line in file]
    known = [{batch["id"] for batch in copy.batches()} for copy in copies]
    if not {message["local_id"] for message in received} <= set().union(*known):
        fault("a file was sent that is not on record")
    return [of_batches(folder, [message for message in received if message["local_id"] in ids]) for ids in known]


def of_batches(folder, received):
    references = collections.Counter()
    for message in received:
        with open(os.path.join(folder, message["id"] + ".csv"), newline="", encoding="utf-8") as file:
            references.update(row["UNIQUE REFERENCE"] for row in csv.DictReader(file))
    return [message["local_id"] for message in received], references


class Killer:
    """Starts commands, and kills them (SIGKILL) at random moments, until the number of kills is reached."""

    def __init__(self, most, moments):
        self.most, self.moments, self.kills = most, moments, collections.Counter()
        # How long a command takes that is not killed. A killed one needs a little more the next time.
        self.usual = collections.defaultdict(lambda: 0.3)

    def left(self):
        return self.most - self.kills.total()

    def may_kill(self, what, of):
        """Whether the command is killed now. Of `of` commands, each gets its share."""
        return self.left() > 0 and self.kills[what] < -(-self.most // of)

    def is_whole(self, copy, what, command, of=1):
        """Runs the command, or kills it. Whether it has ended by itself."""
        began = time.monotonic()
        moment = self.moments.uniform(0.02, 1.3 * self.usual[what]) if self.may_kill(what, of) else None
        if what == "worker":
            # It does not end by itself.
            moment = self.moments.uniform(0.1, 4)
        process = copy.start(command)
        try:
            process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.kills[what] += 1
            self.usual[what] = min(self.usual[what] * 1.1, 10)
            return False
        if process.returncode not in (0, 1):
            fault(f"{what} ended with {process.returncode}")
        self.usual[what] = time.monotonic() - began
        return True


def settled(trail):
    """How often the wait of each case for a row that left has ended."""
    ends = collections.Counter()
    for _, _, _, details, case in trail.of("case_changed"):
        decided = "result" in details and details["decision"] != "flagged_as_a_duplicate"
        released = details["decision"] == "left_the_batch" and details["reason"] != "withdrawn"
        ends[case] += decided or released
    return ends


def by_mailbox(copy, killer):
    """Sends and collects, by the commands and by the worker, until everything is settled."""
    idle, turn = 0, 0
    while idle < 3:
        what = ("send", "collect")[turn % 2]
        # The worker writes all that is left into one file: it comes once the commands have been killed often enough.
        if turn % 3 == 2 and 0 < killer.left() < killer.most / 2:
            what = "worker"
        turn += 1
        command = copy.worker() if what == "worker" else copy.command(what)
        is_whole = killer.is_whole(copy, what, command)
        is_idle = copy.is_settled()
        idle = idle + 1 if is_whole and is_idle else 0
        if what == "collect" and is_whole and not is_idle:
            time.sleep(0.2)


def by_hand(copy, killer, answer):
    """Exports and imports, until everything is settled. Returns the references that were uploaded.

    Of the copies that killed exports have left, a user uploads one.
    """
    folder = copy.db + "-uploads"
    os.mkdir(folder)
    responses, imported, idle, turn = {}, set(), 0, 0
    while idle < 3:
        turn += 1
        out = os.path.join(folder, f"e{turn}.csv")
        export = copy.by_hand("export", "--out", out, "--max-rows", str(copy.rows))
        is_whole = killer.is_whole(copy, "export", export, of=2)
        for name in sorted(os.listdir(folder)):
            if not re.fullmatch(rf"e{turn}(-\d+)?\.csv", name):
                continue
            request = os.path.join(folder, name)
            with open(request, newline="", encoding="utf-8") as file:
                references = tuple(row["UNIQUE REFERENCE"] for row in csv.DictReader(file))
            if references not in responses:
                responses[references] = request + ".response"
                scale.finished([*answer, "--file", request, "--out", responses[references]])
        new = [response for response in responses.values() if response not in imported]
        for response in new:
            if killer.is_whole(copy, "import", copy.by_hand("import", "--file", response), of=2):
                imported.add(response)
        idle = idle + 1 if is_whole and not new and copy.is_settled() else 0
    return collections.Counter(reference for references in responses for reference in references)


def check(copy, sent, references):
    """Checks what must be true of a copy whatever was killed. `sent` has the batches of which the service has a file, and
    `references` the rows that left with how often each did."""
    twice = [batch for batch, count in collections.Counter(sent).items() if count > 1]
    if twice or set(references.values()) - {1}:
        fault(f"{len(twice)} files were sent twice")
    trail = Trail(copy.db)
    # An answer is on record twice if a program was killed between a decision that the store refused and the next attempt.
    answers = {message for _, _, message, _, _ in trail.of("message_received")}
    left = [reference for reference in references if reference.upper() not in answers]
    if left:
        fault(f"{len(left)} rows that left were not answered, such as {left[0]}")
    case_of = trail.case_of()
    rows, ended = collections.Counter(case_of[reference.upper()] for reference in references), settled(trail)
    # `worker --batch` also asks singly: about these cases there are further decisions.
    singly_asked = {case for _, _, _, details, case in trail.of("message_sent") if details["question"] != "batch"}
    other = [case for case in rows | ended
             if ended[case] < rows[case] or ended[case] > rows[case] and case not in singly_asked]
    if other:
        fault(f"{len(other)} cases were not settled once for each row, such as {other[0]}")
    known = {batch["id"] for batch in copy.batches()}
    if not set(sent) <= known:
        fault("a file was sent that is not on record")
    if copy.waiting():
        fault(f"{copy.waiting()} cases still wait")
    if copy.files():
        fault(f"files with patient data are left: {copy.files()[0]}")


def until_killed(name, simulator, sandbox, rows, killer):
    """Copies of the caseload, until the number of kills is reached: on a fast machine one is settled before."""
    for number in range(MOST_COPIES):
        yield Copy(simulator, sandbox, simulator.file(f"{name}-{number}.db"), rows)
        if killer.left() <= 0:
            return
    fault(f"{killer.kills.total()} kills of {killer.most} {name}: use more cases or fewer rows")


def tell(what, killer, references, copy):
    kills = ", ".join(f"{count} of {name}" for name, count in sorted(killer.kills.items())) or "none"
    print(f"  {what}: {len(references)} rows of {len(copy.batches())} batches left; kills so far: {kills}", flush=True)


def compare(whole, copy):
    """Compares the decisions."""
    one_by_one = {case["id"]: case for (document,) in query(whole, "SELECT document FROM cases") for case in [json.loads(document)]}
    by_file = {case["id"]: case for case in copy.documents()}
    documented, other, firsts = 0, [], collections.Counter()
    for key, case in one_by_one.items():
        ends = result(case), result(by_file[key])
        if ends in (("found", "duplicate"), ("duplicate", "found")):
            # Of two cases of one person, the first that is settled gets the number.
            firsts[ends] += 1
        elif decision(case) != decision(by_file[key]):
            other.append((key, result(case), result(by_file[key])))
        elif result(case) == "stale" and result(by_file[key]) != "stale":
            documented += 1
    if len(set(firsts.values())) > 1 or len(firsts) == 1:
        fault(f"the cases of one person do not come in pairs: {firsts}")
    if other:
        kinds = collections.Counter((one, two) for _, one, two in other)
        fault(f"{len(other)} cases have other decisions: {kinds.most_common(9)}, such as {other[0][0]}")
    print(f"  {len(one_by_one)} cases, {documented} of them from a provider's copy when traced singly; {len(other)} others differ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="a first load, step by step")
    parser.add_argument("--cases", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--rows", type=int, help="the most rows of a file")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--binary", help="an `nhs-pds` that is built already")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    made = options.binary or scale.build()
    if options.large:
        with tempfile.TemporaryDirectory() as folder:
            batch_large.run(made, folder, options.cases or 500_000, 3 if options.kills is None else options.kills, moments)
        return finish()
    options.cases, options.kills = options.cases or 20_000, 50 if options.kills is None else options.kills
    python = mesh.environment(os.path.join(scale.ROOT, "target", "mesh-python"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Simulator(made, folder, options.cases) as simulator:
        whole = simulator.imported(simulator.file("singly.db"))
        singly(simulator, whole)
        sandbox = Sandbox(python)
        answers = os.path.join(folder, "pds")
        os.mkdir(answers)
        answer = [made, "simulator", "answer-file", "--cases", str(options.cases)]
        command = [python, os.path.join(HERE, "batch_pds.py"), sandbox.url, answers, *answer]
        pds = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV)
        assert pds.stdout.readline() == "ready\n"
        rows = options.rows or max(options.cases // 8, 20)
        copies, killer = [], Killer(options.kills, moments)
        for copy in until_killed("by-mailbox", simulator, sandbox, rows, killer):
            by_mailbox(copy, killer)
            copies.append(copy)
        for copy, (sent, references) in zip(copies, requests(answers, copies)):
            check(copy, sent, references)
            tell("by mailbox", killer, references, copy)
        killer = Killer(options.kills // 4, moments)
        for copy in until_killed("by-hand", simulator, sandbox, rows, killer):
            references = by_hand(copy, killer, answer)
            check(copy, [], references)
            tell("by hand", killer, references, copy)
            copies.append(copy)
        # What the responses leave open is asked singly, a minute later.
        time.sleep(61)
        for copy in copies:
            singly(simulator, copy.db)
            compare(whole, copy)
        reported(simulator, sandbox, pds)
        pds.stdin.close()
        sandbox.process.stdin.close()
    print(f"  {time.monotonic() - began:.0f} s")
    finish()


def finish():
    print("every limit is kept" if not scale.FAULTS else f"{len(scale.FAULTS)} faults")
    sys.exit(1 if scale.FAULTS else 0)


def reported(simulator, sandbox, pds):
    """A file that is not delivered."""
    pds.stdin.close()
    pds.wait()
    copy = Copy(simulator, sandbox, simulator.file("reported.db"), 500_000)
    copy.run("send")
    [batch] = copy.batches()
    before = copy.waiting()
    sandbox.report(batch["id"])
    copy.run("collect")
    [batch] = copy.batches()
    returned = sum(1 for case in copy.documents() if case["asking"].get("unanswered"))
    print(f"  a report returned {returned} of {before} cases; the batch is {batch['state']}")
    if copy.waiting() or returned != before or batch["state"] != "closed":
        fault("a report did not return the cases of its batch")


if __name__ == "__main__":
    main()
