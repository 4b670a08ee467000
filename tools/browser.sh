#!/usr/bin/env bash
# Tests the screens in Chromium: tools/browser.sh [--pictures] [FILTER...]
#
# Needs Chromium, chromedriver and npm (Debian: chromium chromium-driver npm), and takes axe-core from npm. A missing part is
# said, and skips the tests, but with CI set it fails. With --pictures, the pictures of docs/screens.md are made anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

missing() {
  echo "tools/browser.sh: $1: the screens are NOT tested in a browser" >&2
  [[ -z ${CI:-} ]] || exit 1
  exit 0
}

for program in chromium chromedriver npm; do
  command -v "$program" >/dev/null || missing "$program is not installed"
done

# The package is kept: the next run needs no network.
kept=target/browser
axe=$kept/axe-$axe_version.js
mkdir -p "$kept"
if [[ ! -e $axe ]]; then
  (cd "$kept" && npm pack --silent "axe-core@$axe_version" >/dev/null) || missing "npm cannot get axe-core"
  tar -xzf "$kept/axe-core-$axe_version.tgz" -C "$kept" package/axe.min.js
  mv "$kept/package/axe.min.js" "$axe"
fi
echo "$axe_sha256  $axe" | sha256sum --check --quiet || missing "axe-core is not the expected file"

if [[ ${1:-} == --pictures ]]; then
  shift
  export SCREENSHOTS=$PWD/docs/screens
fi

cargo build --locked --quiet -p nhs-pds-cli
export NHS_PDS=$PWD/target/debug/nhs-pds AXE=$PWD/$axe CARGO_TARGET_DIR=$PWD/target
# Two browsers at a time: more are slower on two processors.
exec cargo test --locked --quiet --manifest-path tests/browser/Cargo.toml -- --test-threads=2 "$@"
