#!/usr/bin/env python3
"""Measures how fast batch files are written and read, and how much memory that takes.

    python3 tools/batch_files.py [--rows N]

Builds the example `batch_file` with optimisation, as a crate of its own that has the feature `batch` alone. Writes a
request of N rows (500,000) with the example and with Python's `csv` module: both files are the same, byte by
byte. Reads a response of N rows with both: Python splits it into cells, and the example reads each person and
says what each row means. Ends with exit code 1 if the example needs more time than Python, or more than
64 MiB. The times are those of the processor, so that other work on the machine does not count: the best of three
alternating runs.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")))
MOST_MEMORY = 64 * 1024
RUNS = 3

MANIFEST = f"""[package]
name = "batch-file"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[[bin]]
name = "batch_file"
path = "{ROOT}/examples/batch_file.rs"

[dependencies]
nhs-pds = {{ path = "{ROOT}", default-features = false, features = ["batch"] }}
uuid = "1"
"""

# The rows of the example.
WRITE = """
import csv, sys
rows, path = int(sys.argv[1]), sys.argv[2]
numbers = ["9990010013", "9990010080", "9990010153", "9990010226"]
families = ["Marlowe", "O'Brien", "Ashdown, the elder", "Hale", "Penrose-Vane"]
postcodes = ["LS1 4HY", "LS17 0GZ", "KT17 1NA"]
names = ("UNIQUE REFERENCE,NHS_NO,FAMILY_NAME,GIVEN_NAME,OTHER_GIVEN_NAME,GENDER,DATE_OF_BIRTH,POSTCODE,"
    "DATE_OF_DEATH,ADDRESS_LINE1,ADDRESS_LINE2,ADDRESS_LINE3,ADDRESS_LINE4,ADDRESS_LINE5,ADDRESS_DATE,"
    "GP_PRACTICE_CODE,GP_REGISTRATION_DATE,NHAIS_POSTING_ID,AS_AT_DATE,LOCAL_PATIENT_ID,INTERNAL_ID,"
    "TELEPHONE_NUMBER,MOBILE_NUMBER,EMAIL_ADDRESS").split(",")
rest = [""] * 16
with open(path, "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file, lineterminator="\\n")
    writer.writerow(names)
    for i in range(rows):
        born = f"{1930 + i % 70}{1 + i % 12:02}{1 + i % 28:02}"
        reference = f"ba7c0000-0000-4000-8000-{i:012x}"
        writer.writerow([reference, numbers[i % 4], families[i % 5], "Edith", "", "2", born, postcodes[i % 3], *rest])
"""

READ = """
import csv, sys
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    print(sum(1 for row in csv.reader(file)) - 1)
"""

RESPONSE = (
    "UNIQUE REFERENCE,REQ_NHS_NUMBER,FAMILY_NAME,GIVEN_NAME,OTHER_GIVEN_NAME,GENDER,DATE_OF_BIRTH,DATE_OF_DEATH,"
    "ADDRESS_LINE1,ADDRESS_LINE2,ADDRESS_LINE3,ADDRESS_LINE4,ADDRESS_LINE5,POSTCODE,GP_PRACTICE_CODE,"
    "GP_REGISTRATION_DATE,NHAIS_POSTING_ID,AS_AT_DATE,LOCAL_PATIENT_ID,INTERNAL_ID,TELEPHONE_NUMBER,MOBILE_NUMBER,"
    "EMAIL_ADDRESS,SENSITIVITY_FLAG,MPS_ID,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,MATCHED_ALGORITHM_INDICATOR,"
    "MATCHED_CONFIDENCE_PERCENTAGE"
).split(",")


def build(folder):
    with open(os.path.join(folder, "Cargo.toml"), "w", encoding="utf-8") as file:
        file.write(MANIFEST)
    shutil.copy(os.path.join(ROOT, "Cargo.lock"), folder)
    target = os.path.join(TARGET, "batch-files")
    command = ["cargo", "build", "--quiet", "--release", "--offline", "--target-dir", target]
    subprocess.run(command, cwd=folder, check=True)
    return os.path.join(target, "release", "batch_file")


def respond(path, rows):
    """Writes a response as another program would."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(RESPONSE)
        for i in range(rows):
            number = ["9990010013", "9990010080", "9990010153", "9990010226"][i % 4]
            person = ["MARLOWE", "EDITH", "", "2", f"{1930 + i % 70}0307", "", "FLAT 2", "14, MILL LANE", "", "LEEDS"]
            person += ["", "LS1 4HY", "B86010", "20050411", "", "", "", "", "01130000000", "", "edith@example.org"]
            found = ["", "", "00", number, "1", "100"]
            writer.writerow([f"ba7c0000-0000-4000-8000-{i:012x}", number, *person, *found])


def run(command):
    """Returns seconds of the processor, KiB at most, and what the command printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[:2]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, printed


def compare(what, ours, theirs, path):
    times, baseline, memory = [], [], 0
    for _ in range(RUNS):
        seconds, kib, printed = run(ours)
        times.append(seconds)
        memory = max(memory, kib)
        baseline.append(run(theirs)[0])
    ratio = min(times) / min(baseline)
    is_over = ratio > 1 or memory > MOST_MEMORY
    print(
        f"{what}: {min(times):.2f} s, csv {min(baseline):.2f} s, ratio {ratio:.2f} (limit 1.00),"
        f" {memory / 1024:.1f} MiB (limit 64), {os.path.getsize(path) / 1e6:.0f} MB{' OVER' if is_over else ''}",
        flush=True,
    )
    return is_over, printed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        ours = build(folder)
        request, theirs, response = (os.path.join(folder, name) for name in ("ours.csv", "theirs.csv", "response.csv"))
        python = [sys.executable, "-c"]
        wrote_over, _ = compare(
            "write", [ours, "write", str(rows), request], [*python, WRITE, str(rows), theirs], request
        )
        with open(request, "rb") as one, open(theirs, "rb") as other:
            while block := one.read(1 << 20):
                if block != other.read(1 << 20):
                    sys.exit("the two requests differ")
            if other.read(1):
                sys.exit("the two requests differ")
        respond(response, rows)
        read_over, printed = compare("read", [ours, "read", response], [*python, READ, response], response)
        if printed != f"{rows} confirmed, 0 other rows, 0 damaged\n":
            sys.exit(f"the response was read as: {printed}")
    return 1 if wrote_over or read_over else 0


if __name__ == "__main__":
    sys.exit(main())
