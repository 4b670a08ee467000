#!/usr/bin/env python3
"""Fails when a dependency needs a newer Rust than `rust-version` in Cargo.toml promises.

    python3 tools/msrv.py [--manifest-path PATH --package NAME]

Checks what users compile: normal and build dependencies, with all features, on every platform, but no
development dependencies. With a manifest, checks a dependency of that crate, with the versions in that
crate's lock file. Clippy's `incompatible_msrv` checks this crate's own code, so no second toolchain is
needed.
"""

import argparse
import json
import subprocess
import sys


def version(text):
    """Returns the version as numbers; 1.89 and 1.89.0 are the same."""
    return tuple(int(part) for part in (text.split("-")[0] + ".0.0").split(".")[:3])


def shipped(root, nodes):
    """Returns the packages that a user of `root` compiles, each with its path."""
    found = {root: ()}
    to_visit = [root]
    while to_visit:
        package = to_visit.pop(0)
        for dependency in nodes[package]["deps"]:
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            if kinds != {"dev"} and dependency["pkg"] not in found:
                found[dependency["pkg"]] = (*found[package], dependency["pkg"])
                to_visit.append(dependency["pkg"])
    return found


def main():
    arguments = argparse.ArgumentParser(description="Compares dependencies with `rust-version`")
    arguments.add_argument("--manifest-path", default="Cargo.toml")
    arguments.add_argument("--package", help="the dependency to look at, and not the crate itself")
    arguments = arguments.parse_args()
    command = ["cargo", "metadata", "--all-features", "--locked", "--format-version", "1"]
    command += ["--manifest-path", arguments.manifest_path]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    if arguments.package:
        (root,) = [package["id"] for package in packages.values() if package["name"] == arguments.package]
    promised = packages[root]["rust_version"]

    needs = []
    for package, path in shipped(root, nodes).items():
        if path and packages[package]["rust_version"]:
            names = " -> ".join(packages[step]["name"] for step in path)
            needs.append((version(packages[package]["rust_version"]), packages[package], names))
    if not needs:
        sys.exit("no dependency states a rust-version: is `cargo metadata` what it was?")

    highest = max(need for need, _, _ in needs)
    print(f"promised: {promised}; highest needed: {'.'.join(map(str, highest))}, by")
    for need, package, names in sorted(needs, key=lambda entry: entry[2]):
        if need == highest or need > version(promised):
            print(f"  {package['name']} {package['version']} ({package['rust_version']}), through {names}")
    return 1 if highest > version(promised) else 0


if __name__ == "__main__":
    sys.exit(main())
