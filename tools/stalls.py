#!/usr/bin/env python3
"""Runs tests on a machine that stands still now and then, as a busy one does.

    python3 tools/stalls.py [--most SECONDS] [--seed NUMBER] [arguments of cargo test] [-- arguments of the test program]

    python3 tools/stalls.py --workspace --all-features
    python3 tools/stalls.py --all-features --test it -- kill::

Builds the tests, and runs one program after the other. At random moments all its processes are stopped for up to `--most`
seconds (default: 2), and then go on. A test that fails only here takes a time for granted. The number of stops, the results and
the seed of the moments are printed at the end.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def built(arguments):
    """The test programs, each with the folder in which cargo would run it."""
    command = ["cargo", "test", "--no-run", "--message-format=json-render-diagnostics", *arguments]
    made = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        # cargo has said why.
        sys.exit(made.returncode)
    for line in made.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            yield message["executable"], os.path.dirname(message["manifest_path"])


def stalled(program, folder, arguments, chance, most):
    """Runs a program that is stopped now and then. Returns its exit code, and how often it was stopped."""
    stops = 0
    # As `.cargo/config.toml` says, unless the caller says otherwise.
    of_test = {"PROPTEST_RNG_SEED": "1", **os.environ}
    # With a group of its own, so that the programs that it starts are stopped too.
    with subprocess.Popen([program, *arguments], cwd=folder, env=of_test, start_new_session=True) as running:
        try:
            while running.poll() is None:
                time.sleep(chance.uniform(0.1, 2 * most))
                try:
                    os.killpg(running.pid, signal.SIGSTOP)
                    time.sleep(chance.uniform(0.05, most))
                    stops += 1
                    os.killpg(running.pid, signal.SIGCONT)
                except ProcessLookupError:
                    break
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            raise
    return running.returncode, stops


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=float, default=2, metavar="SECONDS", help="the longest stop")
    parser.add_argument("--seed", type=int, default=int(time.time()), metavar="NUMBER", help="of the moments")
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, of_cargo = parser.parse_known_args(sys.argv[1:cut])
    chance, failed = random.Random(options.seed), 0
    for program, folder in built(of_cargo):
        code, stops = stalled(program, folder, sys.argv[cut + 1 :], chance, options.most)
        failed += code != 0
        print(f"{os.path.basename(program)}: stopped {stops} times, exit code {code}", flush=True)
    print(f"{failed} programs failed; --seed {options.seed}")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
