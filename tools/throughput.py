#!/usr/bin/env python3
"""Measures the worker: cases a second with everything in memory and in an SQLite file, and peak memory.

    python3 tools/throughput.py [--cases 10000 100000]

The simulator runs as a separate process, so that its memory does not count. Memory and SQLite are measured
one after the other, with the same people; the important figure is their ratio. Peak memory is the
operating system's (maximum resident set size).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MADE = os.path.join(ROOT, "target", "release", "nhs-pds")


def measured(command):
    """Returns the program's last line, read as JSON, and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed with {process.returncode}")
    return json.loads(said.splitlines()[-1]) if said.strip() else {}, usage.ru_maxrss / 1024


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, nargs="+", default=[10_000, 100_000])
    arguments = arguments.parse_args()
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "nhs-pds-cli"], cwd=ROOT, check=True)
    print("cases    where    seconds  cases/s  asked/s  peak MiB")
    for cases in arguments.cases:
        with tempfile.TemporaryDirectory() as folder:
            measure(cases, folder)


def measure(cases, folder):
    file = lambda name: os.path.join(folder, name)
    simulator = subprocess.Popen(
        [MADE, "simulator", "--cases", str(cases), "--caseload", file("cases.csv")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = simulator.stdout.readline().strip()
        load = [MADE, "worker", "--db", file("db"), "--import", file("cases.csv")]
        subprocess.run(load + ["--export", file("before.csv")], check=True, stderr=subprocess.DEVNULL)
        run = [MADE, "dev", "throughput", "--service", url]
        rates = {}
        for where, kept in [("memory", ["--memory", file("cases.csv")]), ("sqlite", ["--db", file("db")])]:
            report, peak = measured(run + kept)
            rates[where] = report["seen"] / report["seconds"]
            print(
                f"{cases:<8} {where:<8} {report['seconds']:>7.1f}  {rates[where]:>7.0f}"
                f"  {report['asked'] / report['seconds']:>7.0f}  {peak:>8.0f}"
            )
        print(f"         sqlite / memory: {rates['sqlite'] / rates['memory']:.2f}")
    finally:
        simulator.kill()
        simulator.wait()


if __name__ == "__main__":
    main()
