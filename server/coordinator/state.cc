#include "server/coordinator/state.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/requirements.h"

namespace athanor {
namespace {

constexpr Duration kBetweenRetries = std::chrono::seconds(1);

}  // namespace

absl::Status State::Load(MonotonicTime now) {
  ATHANOR_ASSIGN_OR_RETURN(const Store::HighestIds highest, store.LoadHighestIds());
  next_study = highest.study + 1;
  next_token = highest.token + 1;
  ATHANOR_ASSIGN_OR_RETURN(std::vector<WorkerRecord> records, store.LoadWorkers());
  for (WorkerRecord& record : records) {
    WorkerInMemory& worker = workers[record.name];
    worker.record = std::move(record);
    worker.last_seen = now - options.lease;  // offline until it speaks
  }
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<StudyId> ids, store.LoadStudyIds());
  for (const StudyId id : ids) ATHANOR_RETURN_IF_ERROR(LoadStudy(id, now));
  IndexLeases();
  for (auto& [name, worker] : workers) {
    if (!worker.held.empty()) worker.last_seen = now;  // it trains, and its lease starts anew
  }
  ScheduleProbes(now);
  return absl::OkStatus();
}

void State::ScheduleProbes(MonotonicTime now) {
  for (auto& [name, worker] : workers) {
    const auto barred = [&known = name](const auto& study) { return study.second->IsBarred(known); };
    if (worker.next_probe.has_value()) continue;
    if (worker.record.standing == WorkerStanding::kQuarantined || std::ranges::any_of(studies, barred)) {
      worker.next_probe = now + options.probe_interval;
    }
  }
}

absl::Status State::LoadStudy(StudyId id, MonotonicTime now) {
  ATHANOR_ASSIGN_OR_RETURN(StudyImage image, store.LoadStudy(id));
  ATHANOR_ASSIGN_OR_RETURN(auto study,
                           LiveStudy::Load(std::move(image), store, now, options.lease, options.create_search));
  for (const auto& [name, worker] : workers) study->ForgiveFailures(name, worker.record.trusted_from);
  by_name[study->spec().name] = id;
  studies[id] = std::move(study);
  return absl::OkStatus();
}

void State::IndexLeases() {
  for (auto& [name, worker] : workers) worker.held.clear();
  for (const auto& [id, study] : studies) {
    for (const auto& [number, live] : study->live_attempts()) {
      const auto worker = workers.find(live.attempt.worker);
      if (worker == workers.end()) continue;
      worker->second.held.insert({id, number, live.attempt.token});
      uint64_t& last = worker->second.acquire_sequence;
      last = std::max(last, live.attempt.acquire_sequence);
    }
  }
}

void State::Rebuild(const Transaction& tx) {
  pending_requests.clear();
  broken.insert(tx.touched_studies.begin(), tx.touched_studies.end());
  for (const StudyId id : tx.touched_studies) {
    studies.erase(id);
    std::erase_if(by_name, [id](const auto& entry) { return entry.second == id; });
  }
  broken_workers.insert(tx.touched_workers.begin(), tx.touched_workers.end());
  const absl::Status status = ReadBroken(tx.now.monotonic);
  if (!status.ok()) spdlog::error("what a failed commit touched cannot be read again: {}", status.ToString());
  ScheduleProbes(tx.now.monotonic);
}

absl::Status State::ReadBrokenWorkers() {
  if (broken_workers.empty()) return absl::OkStatus();
  ATHANOR_ASSIGN_OR_RETURN(std::vector<WorkerRecord> stored, store.LoadWorkers());
  for (const std::string& name : broken_workers) {
    const auto record = std::ranges::find(stored, name, &WorkerRecord::name);
    if (record == stored.end()) {
      workers.erase(name);
    } else {
      workers[name].record = std::move(*record);
    }
  }
  broken_workers.clear();
  return absl::OkStatus();
}

absl::Status State::ReadBroken(MonotonicTime now) {
  next_retry_ = now + kBetweenRetries;
  absl::Status status = ReadBrokenWorkers();
  if (broken.empty()) return status;
  std::erase_if(broken, [&](StudyId id) {
    const absl::Status loaded = LoadStudy(id, now);
    const bool done = loaded.ok() || absl::IsNotFound(loaded);
    if (!done) status = loaded;
    return done;
  });
  IndexLeases();
  return status;
}

void State::RetryBroken(MonotonicTime now) {
  if ((broken.empty() && broken_workers.empty()) || now < next_retry_) return;
  if (ReadBroken(now).ok()) spdlog::info("everything could be read from the database again");
}

absl::StatusOr<LiveStudy*> State::FindStudy(const std::string& id_or_name) {
  StudyId id = 0;
  if (const auto named = by_name.find(id_or_name); named != by_name.end()) {
    id = named->second;
  } else if (!absl::SimpleAtoi(id_or_name, &id)) {
    if (!broken.empty()) return absl::UnavailableError("some studies cannot be read from the database at the moment");
    return absl::NotFoundError(absl::StrCat("study \"", id_or_name, "\" does not exist"));
  }
  return FindStudy(id);
}

absl::StatusOr<LiveStudy*> State::FindStudy(StudyId id) {
  const auto found = studies.find(id);
  if (found != studies.end()) return found->second.get();
  if (broken.contains(id)) {
    return absl::UnavailableError(absl::StrCat("study ", id, " cannot be read from the database at the moment"));
  }
  return absl::NotFoundError(absl::StrCat("study ", id, " does not exist"));
}

absl::Status State::CheckTrial(const LiveStudy& study, TrialNumber number) {
  if (study.HasTrial(number)) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("study \"", study.spec().name, "\" has no trial ", number, "; it has ", study.trials().size()));
}

absl::StatusOr<LiveStudy*> State::FindLease(const LeaseRef& lease) {
  const auto study = studies.find(lease.study);
  if (study == studies.end()) {
    if (broken.contains(lease.study)) {
      return absl::UnavailableError(
          absl::StrCat("study ", lease.study, " cannot be read from the database at the moment"));
    }
    return absl::FailedPreconditionError(absl::StrCat("lease of trial ", lease.trial, " of study ", lease.study,
                                                      " with token ", lease.token,
                                                      " is dead: the study does not exist"));
  }
  const LiveAttempt* live = study->second->live(lease.trial);
  if (live == nullptr || live->attempt.token != lease.token) {
    return absl::FailedPreconditionError(absl::StrCat("lease of trial ", lease.trial, " of study \"",
                                                      study->second->spec().name, "\" with token ", lease.token,
                                                      " is dead"));
  }
  return study->second.get();
}

absl::StatusOr<WorkerInMemory*> State::FindWorker(const std::string& name, uint64_t incarnation) {
  const auto found = workers.find(name);
  if (found == workers.end() || found->second.record.incarnation < incarnation) {
    return absl::NotFoundError(absl::StrCat("worker \"", name, "\" is not registered"));
  }
  WorkerInMemory& worker = found->second;
  if (worker.record.incarnation > incarnation) {
    return absl::FailedPreconditionError(absl::StrCat("worker \"", name, "\" has a newer incarnation ",
                                                      worker.record.incarnation, " than ", incarnation));
  }
  return &worker;
}

absl::StatusOr<WorkerInMemory*> State::HearFrom(const std::string& name, uint64_t incarnation, const Now& now) {
  ATHANOR_ASSIGN_OR_RETURN(WorkerInMemory * worker, FindWorker(name, incarnation));
  worker->last_seen = now.monotonic;
  worker->record.last_seen = now.wall;
  return worker;
}

bool State::MayRun(const WorkerInMemory& worker, const LiveStudy& study, MonotonicTime now) const {
  return IsOnline(worker, now) && worker.record.standing == WorkerStanding::kEnabled &&
         Meets(worker.record, study.spec()) && !study.IsBarred(worker.record.name);
}

absl::StatusOr<std::optional<RequestRecord>> State::FindRequest(const RequestKey& key) {
  if (key.id.empty()) return std::optional<RequestRecord>();
  if (key.id.size() > 128) {
    return absl::InvalidArgumentError(absl::StrCat("request_id has ", key.id.size(), " bytes; want at most 128"));
  }
  std::optional<RequestRecord> record;
  if (const auto pending = pending_requests.find(key.id); pending != pending_requests.end()) {
    record = pending->second;
  } else {
    ATHANOR_ASSIGN_OR_RETURN(record, store.FindRequest(key.id));
  }
  if (record.has_value() && (record->method != key.method || record->fingerprint != key.fingerprint)) {
    return absl::InvalidArgumentError(
        absl::StrCat("request_id \"", key.id, "\" was used for another ", record->method, " request"));
  }
  return record;
}

void State::RememberRequest(Transaction& tx, const RequestKey& key, StudyId study, std::optional<TrialNumber> trial,
                            int64_t position, std::vector<CollectedCheckpoint> collected) {
  if (key.id.empty()) return;
  RequestRecord record{key.id, key.method, key.fingerprint, study, trial, position, tx.now.wall, std::move(collected)};
  pending_requests[key.id] = record;
  tx.changes.push_back(PutRequest{std::move(record)});
}

}  // namespace athanor
