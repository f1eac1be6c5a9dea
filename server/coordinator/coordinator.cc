#include "server/coordinator/coordinator.h"

namespace athanor {
namespace {

// How long a request id protects against repeats, and how often old ones are dropped.
constexpr auto kRequestLifetime = std::chrono::hours(24);
constexpr Duration kForgetInterval = std::chrono::minutes(10);

// A row to write when nobody else has anything to write, to see whether writes succeed again. Its id is longer than a
// client's may be; like theirs it is forgotten after a while.
PutRequest WriteTest(WallTime now) {
  RequestRecord record;
  record.id = "write test " + std::string(128, '.');
  record.at = now;
  return {std::move(record)};
}

CheckpointRows ChangedRows(const ChangeBatch& changes) {
  CheckpointRows rows;
  for (const Change& change : changes) {
    if (const auto* added = std::get_if<AddCheckpoint>(&change)) rows.added.push_back(added->checkpoint.sha256);
    if (const auto* removed = std::get_if<RemoveCheckpoint>(&change))
      rows.removed.push_back(removed->checkpoint.sha256);
  }
  return rows;
}

EndedRows EndsIn(const ChangeBatch& changes) {
  EndedRows rows;
  for (const Change& change : changes) {
    if (const auto* update = std::get_if<UpdateTrial>(&change); update != nullptr && IsFinished(update->trial.state)) {
      rows.trials.emplace_back(update->study, update->trial.number);
    }
    if (const auto* deleted = std::get_if<DeleteStudy>(&change)) rows.deleted_studies.push_back(deleted->study);
  }
  return rows;
}

}  // namespace

Coordinator::Coordinator(Store& store, const CoordinatorOptions& options)
    : state_(store, options),
      suggestions_(state_),
      leases_(state_),
      studies_(state_, leases_),
      trials_(state_),
      dispatch_(state_, suggestions_),
      reports_(state_),
      checkpoints_(state_) {}

void Coordinator::Tick(Transaction& tx) {
  state_.RetryBroken(tx.now.monotonic);
  dispatch_.Expire(tx);
  if (!tx.writable.ok()) return;
  if (tx.tries_to_write) tx.changes.push_back(WriteTest(tx.now.wall));
  leases_.Expire(tx);
  studies_.Tick(tx);
  if (!last_forget_.has_value() || tx.now.monotonic - *last_forget_ >= kForgetInterval) {
    last_forget_ = tx.now.monotonic;
    tx.changes.push_back(ForgetRequests{tx.now.wall - kRequestLifetime});
  }
}

void Coordinator::FinishGroup(Transaction& tx) {
  suggestions_.Collect();
  dispatch_.ServeWaiting(tx);
  for (const StudyId id : tx.touched_studies) {
    const auto study = state_.studies.find(id);
    if (study != state_.studies.end()) study->second->Flush(tx);
  }
  state_.pending_requests.clear();
  suggestions_.Start(tx);
  if (checkpoint_listener_) {
    CheckpointRows rows = ChangedRows(tx.changes);
    if (!rows.added.empty() || !rows.removed.empty()) {
      tx.after_commit.push_back([this, rows = std::move(rows)] { checkpoint_listener_(rows); });
    }
  }
  if (end_listener_) {
    EndedRows rows = EndsIn(tx.changes);
    if (!rows.trials.empty() || !rows.deleted_studies.empty()) {
      tx.after_commit.push_back([this, rows = std::move(rows)] { end_listener_(rows); });
    }
  }
  if (!tx.touched_studies.empty()) {
    tx.after_commit.push_back([this, studies = tx.touched_studies] { watchers_.Notify(studies); });
  }
}

void Coordinator::Rebuild(const Transaction& tx) {
  suggestions_.Forget(tx.touched_studies);
  state_.Rebuild(tx);
}

}  // namespace athanor
