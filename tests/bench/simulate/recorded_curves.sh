#!/bin/sh
# How much sooner than random search every policy finds the best rows of recorded learning curves: all that
# tests/bench/simulate/RESULTS.md says of them. Usage:
#
#   recorded_curves.sh ATHANOR CURVES OUT     simulates; a CSV file a policy goes to the folder OUT (about an hour on
#                                             one core; what is there already is not run again)
#   recorded_curves.sh --tables OUT           prints the Markdown tables of what is there
#
# ATHANOR is the client program, CURVES a folder with a folder of curves a task. JOBS=N: that many threads; SEEDS=N:
# seeds of policies without a Gaussian process, default 30, which has 10. The figures do not depend on JOBS.
set -eu

# A name for file and table, the seeds, the numbers of workers, the policy.
policies() {
  seeds=${SEEDS:-30}
  cat <<END
asha-1|$seeds|1,4,25,100|early_stopping: {method: asha}
asha-3|$seeds|1,4,25,100|early_stopping: {method: asha, min_resource: 3}
asha-adaptive|$seeds|1,4,25,100|early_stopping: {method: asha, brackets: 4}
sobol|$seeds|1,4,25,100|search: {method: sobol}
median|$seeds|1,4,25,100|early_stopping: {method: median}
asha-stopping|$seeds|1,4,25,100|early_stopping: {method: asha_stopping}
hyperband|$seeds|1,4,25,100|early_stopping: {method: hyperband}
hyperband-synchronous|$seeds|1,4,25,100|early_stopping: {method: hyperband, synchronous: true}
asha-adaptive-tpe|$seeds|1,4,25,100|search: {method: tpe}, early_stopping: {method: asha, brackets: 4}
asha-adaptive-gp|10|4,25|search: {method: gp}, early_stopping: {method: asha, brackets: 4}
tpe|$seeds|1,4,25,100|search: {method: tpe}
gp|10|4,25|search: {method: gp}
END
}

simulate() {
  athanor=$1 curves=$2 out=$3
  mkdir -p "$out"
  set --
  for task in "$curves"/*/; do set -- "$@" --curves "$task"; done
  policies | while IFS='|' read -r name seeds workers policy; do
    [ -e "$out/$name.csv" ] && continue
    echo "$name: $seeds seeds, $workers workers" >&2
    "$athanor" simulate "$@" --workers "$workers" --seeds "$seeds" ${JOBS:+--jobs "$JOBS"} --output csv \
      --policy "name: $name, $policy" >"$out/$name.part" </dev/null
    mv "$out/$name.part" "$out/$name.csv"
  done
}

# Of all files, the records of the policy that each is named after: workers,policy,target,task,speed_up, ….
records() {
  policies | while IFS='|' read -r name rest; do
    [ -e "$1/$name.csv" ] && awk -F, -v name="$name" 'NR > 1 && $2 == name' "$1/$name.csv"
  done
}

tables() {
  echo '| policy | 1 worker | 4 workers | 25 workers | 100 workers |'
  echo '|---|---|---|---|---|'
  records "$1" | awk -F, '
    $4 != "all" { next }
    !($2 in seen) { seen[$2] = 1; order[++n] = $2 }
    { at = $2 SUBSEP $1; figure = sprintf("%.2f", $5); if (at in cell) figure = cell[at] " / " figure; cell[at] = figure }
    END {
      split("1 4 25 100", workers, " ")
      for (i = 1; i <= n; ++i) {
        line = "| " order[i]
        for (w = 1; w <= 4; ++w) line = line " | " cell[order[i], workers[w]]
        print line " |"
      }
    }'
  for workers in 1 4 25 100; do
    echo
    echo "| workers: $workers | $(tasks "$1" | tr '\n' '|' | sed 's/|$//; s/|/ | /g') |"
    echo "|---$(tasks "$1" | sed 's/.*/|---/' | tr -d '\n')|"
    records "$1" | awk -F, -v workers="$workers" '
      $1 != workers || $4 == "all" { next }
      !($2 in line) { order[++n] = $2; line[$2] = "" }
      { at = $2 SUBSEP $4; figure = sprintf("%.2f", $5); if (at in cell) figure = cell[at] " / " figure; cell[at] = figure
        if (!($4 in known)) { known[$4] = 1; task[++m] = $4 } }
      END {
        for (i = 1; i <= n; ++i) {
          row = "| " order[i]
          for (t = 1; t <= m; ++t) row = row " | " cell[order[i], task[t]]
          print row " |"
        }
      }'
  done
}

tasks() { records "$1" | awk -F, '$4 != "all" && !($4 in seen) { seen[$4] = 1; print $4 }'; }

case ${1:-} in
  --tables) tables "${2:?usage: recorded_curves.sh --tables OUT}" ;;
  *) simulate "${1:?see the head of this file}" "${2:?see the head of this file}" "${3:?see the head of this file}" ;;
esac
