#!/usr/bin/env python3
"""Tests the MESH mailbox against programs that share no code with it: NHS England's `mesh-sandbox` and `mesh-client`.

    python3 tools/mesh.py [--python] [--folder FOLDER] [arguments of the test program]

Makes a Python environment with both packages in FOLDER (default: target/mesh-python), and runs `tests/mesh` with it. Each test
starts a sandbox of its own on a free port of this machine. With `--python`, only makes the environment, and prints the
path of its interpreter: tests read it from the variable `MESH_PYTHON`.

The sandbox needs Python 3.11, 3.12 or 3.13.
"""

import argparse
import os
import shutil
import subprocess
import sys

PACKAGES = ["mesh-sandbox==1.0.137", "mesh-client==5.0.2"]
VERSIONS = [(3, 11), (3, 12), (3, 13)]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def interpreter():
    """A Python on which the sandbox runs."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for major, minor in VERSIONS:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return found
    sys.exit("mesh-sandbox needs Python 3.11, 3.12 or 3.13: install one of them")


def environment(folder):
    """The interpreter of an environment that has the packages."""
    python = os.path.join(folder, "bin", "python")
    # Written last, so that an interrupted installation is made anew.
    mark = os.path.join(folder, "packages")
    wanted = "\n".join(PACKAGES)
    if os.path.exists(mark) and open(mark).read() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    # The output is for the caller's terminal, and not a part of what `--python` prints.
    own = interpreter()
    made = subprocess.run([own, "-m", "venv", folder], check=False, stdout=sys.stderr)
    if made.returncode != 0:
        # Some distributions leave a part of `venv` out.
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([own, "-m", "pip", "install", "--quiet", "virtualenv"], check=True, stdout=sys.stderr)
        subprocess.run([own, "-m", "virtualenv", "--quiet", folder], check=True, stdout=sys.stderr)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    subprocess.run(install, check=True, stdout=sys.stderr)
    with open(mark, "w") as file:
        file.write(wanted)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="store_true", help="only print the path of the interpreter")
    parser.add_argument("--folder", default=os.path.join(ROOT, "target", "mesh-python"), help="the environment's folder")
    arguments, rest = parser.parse_known_args()
    python = environment(os.path.abspath(arguments.folder))
    if arguments.python:
        print(python)
        return
    test = ["cargo", "test", "--locked", "--no-default-features", "--features", "http,mesh", "--test", "mesh"]
    done = subprocess.run([*test, "--", *rest], cwd=ROOT, env={**os.environ, "MESH_PYTHON": python}, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
