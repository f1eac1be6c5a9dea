#!/usr/bin/env bash
# Configures and builds one preset of CMakePresets.json; only what changed. Prints where the time went and the log if it fails.
#
#   deploy/build.sh PRESET [target...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
mkdir -p "build/$preset"
log="build/$preset/build.log"
started=$SECONDS
echo "build: preset $preset in build/$preset"
targets=()
[ $# -gt 0 ] && targets=(--target "$@")
extra=()
[ -n "${ATHANOR_CMAKE_ARGUMENTS:-}" ] && read -ra extra <<<"$ATHANOR_CMAKE_ARGUMENTS"
if ! { cmake --preset "$preset" "${extra[@]}" && cmake --build --preset "$preset" "${targets[@]}"; } >"$log" 2>&1; then
  tail -n 60 "$log" >&2
  echo "build: preset $preset failed; the whole log is $log" >&2
  exit 1
fi
echo "build: done in $((SECONDS - started)) s"
