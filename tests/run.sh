#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test. Skips what is done already.
#
#   tests/run.sh                  every test of the release build
#   tests/run.sh --long           the longer suites as well
#   tests/run.sh --sanitizers     instead: the tests under address,undefined and the threaded ones under thread
#   tests/run.sh --fuzz [RUNS]    instead: every fuzz target, so many executions each (default 20000)
#   tests/run.sh -R PATTERN ...   anything else goes to ctest
set -euo pipefail
cd "$(dirname "$0")/.."

mode=release
long=()
rest=()
for argument in "$@"; do
  case "$argument" in
    --long) long=(--long) ;;
    --sanitizers) mode=sanitizers ;;
    --fuzz) mode=fuzz ;;
    -h|--help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) rest+=("$argument") ;;
  esac
done

if [ "$mode" = fuzz ]; then
  deploy/install-packages.sh fuzz
  deploy/build.sh fuzz
  exec tests/fuzz/run.sh build/fuzz/fuzz "${rest[0]:-20000}"
fi
deploy/install-packages.sh test

run() {  # run PRESET TARGETS [ctest arguments]
  local preset=$1 targets=$2
  shift 2
  # A build folder of the quick start has them switched off.
  local parts=-DATHANOR_TESTS=ON
  [ "$preset" = release ] && parts+=" -DATHANOR_BENCH=ON"
  ATHANOR_CMAKE_ARGUMENTS="$parts ${ATHANOR_CMAKE_ARGUMENTS:-}" deploy/build.sh "$preset" "$targets"
  echo "tests: preset $preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j 2 "$@"
}

# Suites labelled long run only when asked for.
skip=(-LE long)
[ ${#long[@]} -gt 0 ] && skip=()
if [ "$mode" = release ]; then
  run release all "${skip[@]}" "${rest[@]}"
else
  run asan all "${skip[@]}" "${rest[@]}"
  # The packaged gRPC and Abseil are not instrumented: what talks through them reports races that are none.
  run tsan threads_tests -L threads "${skip[@]}" "${rest[@]}"
fi
