#include "server/coordinator/trust.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/coordinator/requirements.h"

namespace athanor {
namespace {

constexpr size_t kStudiesBeforeQuarantine = 2;

bool IsSuccess(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::kCompleted || outcome == AttemptOutcome::kPaused ||
         outcome == AttemptOutcome::kPruned || outcome == AttemptOutcome::kInfeasible;
}

}  // namespace

void CountWorkerFailure(State& state, Transaction& tx, const LiveStudy& study, const std::string& name) {
  const auto found = state.workers.find(name);
  if (found == state.workers.end() || !study.IsBarred(name)) return;
  found->second.next_probe = tx.now.monotonic + state.options.probe_interval;
  std::vector<std::string> barred;
  for (const auto& [id, other] : state.studies) {
    if (other->IsBarred(name)) barred.push_back(other->spec().name);
  }
  WorkerRecord& record = found->second.record;
  if (barred.size() < kStudiesBeforeQuarantine || record.standing != WorkerStanding::kEnabled) return;
  record.standing = WorkerStanding::kQuarantined;
  record.reason = absl::StrCat("three failed attempts in a row in each of the studies ", absl::StrJoin(barred, ", "));
  tx.touched_workers.insert(name);
  tx.changes.push_back(PutWorker{record});
}

void CountWorkerSuccess(State& state, Transaction& tx, LiveStudy& study, const std::string& name,
                        AttemptOutcome outcome) {
  if (!IsSuccess(outcome)) return;
  study.LiftBar(name);
  const auto worker = state.workers.find(name);
  if (worker == state.workers.end() || worker->second.record.standing != WorkerStanding::kQuarantined) return;
  RestoreTrust(state, tx, worker->second);
}

void RestoreTrust(State& state, Transaction& tx, WorkerInMemory& worker) {
  WorkerRecord& record = worker.record;
  record.standing = WorkerStanding::kEnabled;
  record.reason.clear();
  worker.next_probe.reset();
  for (const auto& [id, study] : state.studies) study->LiftBar(record.name);
  tx.touched_workers.insert(record.name);
  tx.changes.push_back(PutWorker{record});
}

void PauseIfDeserted(State& state, Transaction& tx, LiveStudy& study) {
  if (study.record().state != StudyState::kActive || study.Count(TrialState::kRunning) > 0) return;
  std::vector<std::string> taken_off;
  for (const auto& [name, worker] : state.workers) {
    if (state.MayRun(worker, study, tx.now.monotonic)) return;
    if (!state.IsOnline(worker, tx.now.monotonic) || !Meets(worker.record, study.spec())) continue;
    if (worker.record.standing == WorkerStanding::kQuarantined || study.IsBarred(name)) taken_off.push_back(name);
  }
  if (taken_off.empty()) return;
  study.SetState(tx, StudyState::kPaused,
                 absl::StrCat("no worker is left that may run it; too many failed attempts in a row on ",
                              absl::StrJoin(taken_off, ", ")));
}

}  // namespace athanor
