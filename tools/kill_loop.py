#!/usr/bin/env python3
"""Kills the worker many times, and compares the end with an undisturbed run.

    python3 tools/kill_loop.py [--kills 50] [--cases 1200]

Builds `nhs-pds`, starts the simulator in a process of its own, runs the worker once over a caseload
for comparison, and then over other copies of it with `kill -9` at random moments, until it was killed
often enough. A copy that comes to its end before that is followed by another, so the speed of the machine
does not matter. In each copy what was decided, every alert and the audit trail have to be as in the
undisturbed run; the exit code is 1 if not. Prints the seed of the random moments.
"""

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def build():
    command = ["cargo", "build", "--locked", "-p", "nhs-pds-cli", "--message-format=json-render-diagnostics"]
    made = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = map(json.loads, made.stdout.splitlines())
    return next(filter(None, (message.get("executable") for message in messages)))


def alerts(db):
    with sqlite3.connect(db) as connection:
        return sorted(row[0] for row in connection.execute("SELECT id FROM alert"))


def differences(made, file, db):
    """Returns the differences between this copy and the undisturbed one."""
    faults = []
    with open(file("undisturbed.csv")) as one, open(file(f"{db}.csv")) as other:
        if one.read() != other.read():
            faults.append(f"{db}: the decisions are not the same")
    if alerts(file("undisturbed")) != alerts(file(db)):
        faults.append(f"{db}: the alerts are not the same")
    verified = subprocess.run([made, "audit", "--db", file(db), "verify"], stdout=subprocess.PIPE, text=True)
    if verified.returncode != 0:
        faults.append(f"{db}: the audit trail is broken: {verified.stdout.strip()[:40]}")
    return faults


def main():
    arguments = argparse.ArgumentParser(description="Kills the worker again and again")
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--cases", type=int, default=1200)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments = arguments.parse_args()
    moments = random.Random(arguments.seed)
    made = build()
    with tempfile.TemporaryDirectory() as folder:
        file = lambda name: os.path.join(folder, name)
        simulator = subprocess.Popen(
            [made, "simulator", "--cases", str(arguments.cases), "--caseload", file("cases.csv")]
            + ["--delay", "1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = simulator.stdout.readline().strip()
            return compare(arguments, moments, made, file, url)
        finally:
            simulator.kill()
            simulator.wait()


def compare(arguments, moments, made, file, url):
    def worker(db, *more):
        command = [made, "worker", "--db", file(db), "--service", url, "--lease", "100ms"]
        # Asked again, but without the long pauses that only cost time here.
        command += ["--per-second", "1000", "--attempts", "2", *more]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(process):
        _, said = process.communicate()
        if process.returncode != 0:
            sys.exit(f"the worker failed with {process.returncode}: {said.decode()}")

    def imported(db):
        finish(worker(db, "--import", file("cases.csv"), "--export", file(f"{db}.csv")))

    imported("undisturbed")
    began = time.monotonic()
    finish(worker("undisturbed", "--once", "--export", file("undisturbed.csv")))
    whole = time.monotonic() - began

    # Each run lasts for a few batches of cases; all runs together do most of the work.
    longest = 0.15 + 2 * whole / arguments.kills
    kills, copies, faults = 0, [], []
    while kills < arguments.kills:
        db = f"killed-{len(copies)}"
        copies.append(db)
        imported(db)
        while kills < arguments.kills:
            process = worker(db, "--once")
            try:
                process.wait(timeout=moments.uniform(0.02, longest))
                finish(process)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        # The machine is now faster than at the time of measurement.
        longest = max(longest / 2, 0.03)
        finish(worker(db, "--once", "--export", file(f"{db}.csv")))
        faults += differences(made, file, db)
    print(f"seed {arguments.seed}: {kills} kills over {len(copies)} times {arguments.cases} cases")
    print(f"alerts: {len(alerts(file('undisturbed')))} in each")
    for fault in faults:
        print(f"FAULT: {fault}")
    if not faults:
        print("the same decisions, alerts and a whole trail as in the undisturbed run")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
