#!/usr/bin/env python3
"""Compares pairs of benchmarks, and fails when a ratio exceeds its limit.

    cargo bench --all-features && python3 benches/ratios.py

It compares ratios, not times: both sides of a pair run on the same machine in the same minute, so a slow or
busy machine slows both. It uses medians, because other work on the machine can cause outliers on one side only.
"""

import json
import os
import sys
from pathlib import Path

# Name, ours, baseline, largest ratio allowed.
LIMITS = [
    ("nhs_number/one", "nhs_number/one/ours", "nhs_number/one/nhs-number", 0.40),
    ("nhs_number/bulk", "nhs_number/bulk/ours", "nhs_number/bulk/nhs-number", 0.25),
    ("smsp/decode", "codec/decode_details/ours", "codec/decode_details/ns_reader", 2.00),
    ("fhir/decode", "fhir/decode/ours", "fhir/decode/value", 2.00),
    # The cost of the simulator's lookups does not depend on the number of people.
    ("register", "register/100000", "register/1000", 3.00),
    # 95 % of the baseline's rate.
    ("fhir/retrieve", "fhir/retrieve/ours", "fhir/retrieve/bare", 1 / 0.95),
]


def medians(criterion):
    """Returns the nanoseconds of each benchmark, by its name in the source.

    Criterion changes names to use them as directories, and keeps the original in benchmark.json.
    """
    found = {}
    for estimates in sorted(criterion.glob("**/new/estimates.json")):
        name = json.loads(estimates.with_name("benchmark.json").read_text())["full_id"]
        found[name] = json.loads(estimates.read_text())["median"]["point_estimate"]
    return found


def main():
    root = Path(__file__).resolve().parent.parent
    criterion = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "criterion"
    found = medians(criterion)
    failed = False
    for name, ours, baseline, limit in LIMITS:
        missing = [path for path in (ours, baseline) if path not in found]
        if missing:
            failed = True
            print(f"{name}: no data for {', '.join(missing)}: run `cargo bench --all-features`")
            continue
        ratio = found[ours] / found[baseline]
        failed |= ratio > limit
        verdict = "OVER" if ratio > limit else "ok"
        print(f"{name}: ours / baseline = {ratio:.2f} (limit {limit:.2f}) {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
