#!/usr/bin/env bash
# Runs every fuzz target on its seeds for a number of executions. What crashes is left in the working folder and fails the run.
#
#   tests/fuzz/run.sh FOLDER_OF_TARGETS EXECUTIONS
set -euo pipefail
targets=$(cd "$1" && pwd)
executions=$2
corpus=$(cd "$(dirname "$0")/corpus" && pwd)
work=$targets/../fuzz-work
mkdir -p "$work"
cd "$work"
for target in "$targets"/*_fuzz; do
  name=$(basename "$target" _fuzz)
  mkdir -p "$name"  # what this machine has found so far; the seeds themselves stay as they are
  echo "fuzz: $name, $executions executions"
  started=$SECONDS
  if ! "$target" -runs="$executions" -seed=1 -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
       -artifact_prefix="$name-" "$name" "$corpus/$name" >"$name.log" 2>&1; then
    tail -n 40 "$name.log" >&2
    echo "fuzz: $name failed; the input is in $work" >&2
    exit 1
  fi
  echo "fuzz: $name ok, $((SECONDS - started)) s, $(sed -n 's/^stat::number_of_executed_units: */executed /p' "$name.log")"
done
