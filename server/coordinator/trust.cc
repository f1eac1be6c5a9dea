#include "server/coordinator/trust.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/coordinator/requirements.h"

namespace athanor {
namespace {

constexpr size_t kStudiesBeforeQuarantine = 2;

}  // namespace

void CountFailure(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial) {
  const std::string name = study.live(trial)->attempt.worker;
  const auto found = state.workers.find(name);
  study.CountFailure(tx, trial, found == state.workers.end() ? 0 : found->second.record.trusted_from);
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
  tx.touched_workers.push_back(name);
  tx.changes.push_back(PutWorker{record});
}

void CountWorkerSuccess(State& state, Transaction& tx, LiveStudy& study, const Attempt& attempt,
                        WorkerInMemory* worker) {
  study.CountSuccess(attempt.worker, attempt.token);
  if (worker != nullptr && worker->record.standing == WorkerStanding::kQuarantined) RestoreTrust(state, tx, *worker);
}

void RestoreTrust(State& state, Transaction& tx, WorkerInMemory& worker) {
  WorkerRecord& record = worker.record;
  record.standing = WorkerStanding::kEnabled;
  record.reason.clear();
  record.trusted_from = state.next_token;
  worker.next_probe.reset();
  for (const auto& [id, study] : state.studies) {
    // Should the commit fail, the study has to learn of its failures again.
    if (study->ForgiveFailures(record.name, record.trusted_from)) tx.touched_studies.insert(id);
  }
  tx.touched_workers.push_back(record.name);
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
