#!/usr/bin/env bash
# From a bare Debian 12 or 13 to a ranked study on Fashion-MNIST: installs, builds, starts a coordinator and a worker, submits an example, shows
# the live ranking, prints the best trial, stops what it started. As root or with sudo. Run it again at any time.
#
#   deploy/quickstart.sh [study.yaml]
set -euo pipefail
cd "$(dirname "$0")/.."
study_file=${1:-client/examples/fashion-quick.yaml}
[ -r "$study_file" ] || { echo "quickstart: cannot read $study_file" >&2; exit 2; }

deploy/install-packages.sh build
# A folder that the tests were built in stays as it is.
if [ ! -e build/release/CMakeCache.txt ]; then
  export ATHANOR_CMAKE_ARGUMENTS="-DATHANOR_TESTS=OFF -DATHANOR_BENCH=OFF ${ATHANOR_CMAKE_ARGUMENTS:-}"
fi
deploy/build.sh release athanor-server athanor-worker athanor-trainer athanor

bin=$PWD/build/release/bin
data=${ATHANOR_DATA:-$PWD/build/quickstart}
mkdir -p "$data"
pids=()
stop() {
  trap - EXIT INT TERM
  # The worker first, so that it can hand back what it holds.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  echo "quickstart: stopped; studies are kept in $data/athanor.db"
}
trap stop EXIT
trap 'exit 130' INT TERM

"$bin/athanor-server" --listen 127.0.0.1:0 --database "$data/athanor.db" >"$data/server.out" 2>"$data/server.log" &
pids+=($!)
address=
for _ in $(seq 100); do
  address=$(sed -n 's/^listening on //p' "$data/server.out" | head -n 1)
  [ -n "$address" ] && break
  kill -0 "${pids[0]}" 2>/dev/null || break
  sleep 0.1
done
[ -n "$address" ] || { cat "$data/server.log" >&2; echo "quickstart: the coordinator did not start" >&2; exit 1; }
export ATHANOR_COORDINATOR=$address
echo "quickstart: coordinator on $address, database $data/athanor.db"

"$bin/athanor-worker" --coordinator "$address" --slots "$(nproc)" --device auto --state-dir "$data/worker" \
  2>"$data/worker.log" &
pids+=($!)
echo "quickstart: worker with $(nproc) slots, log $data/worker.log"

# A second run of the same file gets its own study.
name=$(sed -n 's/^name: *\([a-z0-9_-]*\).*/\1/p' "$study_file" | head -n 1)
copy=$data/study.yaml
number=1
unique=$name
while "$bin/athanor" study show "$unique" >/dev/null 2>&1; do
  number=$((number + 1))
  unique=$name-$number
done
sed "s/^name: .*/name: $unique/" "$study_file" >"$copy"

started=$SECONDS
"$bin/athanor" study submit "$copy"
"$bin/athanor" study watch "$unique"
echo "quickstart: the study took $((SECONDS - started)) s"
echo
"$bin/athanor" best "$unique"
cat <<TEXT

More of it, with the coordinator running (build/release/bin/athanor-server --database $data/athanor.db):
  build/release/bin/athanor trial list $unique --order best
  build/release/bin/athanor trial curve $unique 0
  build/release/bin/athanor study export $unique --output csv
TEXT
