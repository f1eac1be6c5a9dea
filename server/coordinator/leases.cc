#include "server/coordinator/leases.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/trainer_options.h"
#include "server/coordinator/lifecycle.h"
#include "server/coordinator/trust.h"

namespace athanor {

absl::StatusOr<const WorkerInMemory*> Leases::Register(Transaction& tx, const Registration& registration) {
  const WorkerRecord& said = registration.worker;
  if (said.name.empty() || said.name.size() > 255) {
    return absl::InvalidArgumentError("worker: want a name of 1 to 255 bytes");
  }
  if (said.slots < 1) return absl::InvalidArgumentError(absl::StrCat("slots: ", said.slots, "; want at least 1"));
  if (registration.protocol_version != kProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("worker \"", said.name, "\" speaks protocol version ",
                                                      registration.protocol_version, ", the coordinator ",
                                                      kProtocolVersion));
  }
  if (!said.option_table_hash.empty() && said.option_table_hash != TrainerOptionsHash()) {
    return absl::FailedPreconditionError(absl::StrCat("worker \"", said.name, "\" has trainer option table ",
                                                      said.option_table_hash, ", the coordinator ",
                                                      TrainerOptionsHash(), "; build both from the same version"));
  }
  if (!tx.writable.ok()) {
    // Whoever is registered comes back when its stream was ended, and its leases must live on; nothing new is written.
    const auto known = state_.HearFrom(said.name, said.incarnation, tx.now);
    if (!known.ok()) return absl::IsNotFound(known.status()) ? tx.writable : known.status();
    return *known;
  }
  WorkerInMemory& worker = state_.workers[said.name];
  if (worker.record.incarnation > said.incarnation) {
    return absl::FailedPreconditionError(absl::StrCat("worker \"", said.name, "\" has a newer incarnation ",
                                                      worker.record.incarnation, " than ", said.incarnation));
  }
  if (worker.record.incarnation < said.incarnation) {
    ReleaseAll(tx, worker, "the worker was restarted");
    worker.acquire_sequence = 0;
    worker.sink = nullptr;
    // A drain is over when the worker is started anew; a quarantine is not.
    if (worker.record.standing == WorkerStanding::kDraining) worker.record.standing = WorkerStanding::kEnabled;
  }
  const WorkerStanding standing = worker.record.standing;
  std::string reason = standing == WorkerStanding::kEnabled ? std::string() : std::move(worker.record.reason);
  const Token trusted_from = worker.record.trusted_from;
  worker.record = said;
  worker.record.standing = standing;
  worker.record.trusted_from = trusted_from;
  worker.record.reason = std::move(reason);
  worker.record.last_seen = tx.now.wall;
  worker.last_seen = tx.now.monotonic;
  tx.touched_workers.push_back(said.name);
  tx.changes.push_back(PutWorker{worker.record});
  return &worker;
}

absl::StatusOr<uint64_t> Leases::OpenStream(const std::string& name, uint64_t incarnation, CommandSink sink) {
  ATHANOR_ASSIGN_OR_RETURN(WorkerInMemory * worker, state_.FindWorker(name, incarnation));
  worker->sink = std::move(sink);
  worker->stream = next_stream_++;
  return worker->stream;
}

void Leases::CloseStream(const std::string& name, uint64_t stream) {
  const auto found = state_.workers.find(name);
  if (found != state_.workers.end() && found->second.stream == stream) found->second.sink = nullptr;
}

void Leases::Lose(Transaction& tx, const LeaseRef& lease, const std::string& reason) {
  const auto study = state_.FindLease(lease);
  if (!study.ok()) return;
  RevokeLease(state_, tx, **study, lease.trial, AttemptOutcome::kLost, TrialState::kWaiting, reason);
}

void Leases::ReleaseAll(Transaction& tx, WorkerInMemory& worker, const std::string& reason) {
  for (const LeaseRef& lease : std::vector(worker.held.begin(), worker.held.end())) Lose(tx, lease, reason);
}

absl::StatusOr<HeartbeatAnswer> Leases::Heartbeat(Transaction& tx, const std::string& name, uint64_t incarnation,
                                                  const std::vector<LeaseRef>& listed,
                                                  const std::vector<LiveProgress>& progress) {
  ATHANOR_ASSIGN_OR_RETURN(WorkerInMemory * worker, state_.HearFrom(name, incarnation, tx.now));
  HeartbeatAnswer answer;
  for (const LeaseRef& lease : listed) {
    // A study that cannot be read at the moment may well hold it: nobody is told to stop because of that.
    if (!worker->held.contains(lease) && !state_.broken.contains(lease.study)) answer.dead.push_back(lease);
  }
  for (const LiveProgress& report : progress) {
    if (!worker->held.contains(report.lease)) continue;
    state_.studies.at(report.lease.study)->mutable_live(report.lease.trial)->progress = report.progress;
  }
  for (const LeaseRef& lease : std::vector(worker->held.begin(), worker->held.end())) {
    LiveStudy& study = *state_.studies.at(lease.study);
    LiveAttempt& live = *study.mutable_live(lease.trial);
    if (std::ranges::find(listed, lease) == listed.end()) {
      if (++live.unlisted_heartbeats >= 2 && tx.writable.ok())
        Lose(tx, lease, "the worker does not know of this lease");
      continue;
    }
    live.unlisted_heartbeats = 0;
    live.expires = tx.now.monotonic + state_.options.lease;
    if (live.preempted_at.has_value()) answer.commands.push_back({CommandKind::kPreempt, lease});
  }
  if (worker->record.standing == WorkerStanding::kDraining) answer.commands.push_back({CommandKind::kDrain, {}});
  return answer;
}

absl::Status Leases::Start(Transaction& tx, LiveStudy& study, TrialNumber trial,
                           const std::optional<AttemptStart>& start) {
  const Attempt& attempt = study.live(trial)->attempt;
  if (!attempt.resumed_step.has_value()) {
    if (!start.has_value()) {
      return absl::FailedPreconditionError(absl::StrCat("trial ", trial, " of study \"", study.spec().name,
                                                        "\": the first report of an attempt must state resumed_step"));
    }
    if (start->resumed_step < 0) {
      return absl::InvalidArgumentError(absl::StrCat("resumed_step: ", start->resumed_step, "; want at least 0"));
    }
    study.ResumeAttempt(tx, trial, start->resumed_step, start->environment);
  } else if (start.has_value() && start->resumed_step != *attempt.resumed_step) {
    return absl::AlreadyExistsError(absl::StrCat("trial ", trial, " of study \"", study.spec().name,
                                                 "\": resumed_step ", start->resumed_step, " after ",
                                                 *attempt.resumed_step));
  }
  return absl::OkStatus();
}

absl::StatusOr<TrialState> Leases::Finish(Transaction& tx, const FinishOptions& options) {
  using enum AttemptOutcome;
  if (options.outcome != kCompleted && options.outcome != kFailed && options.outcome != kInfeasible &&
      options.outcome != kPreempted) {
    return absl::InvalidArgumentError(
        absl::StrCat("outcome: ", ToString(options.outcome), "; want COMPLETED, FAILED, INFEASIBLE or PREEMPTED"));
  }
  const absl::StatusOr<LiveStudy*> found = state_.FindLease(options.lease);
  if (!found.ok()) return RepeatedFinish(tx, options, found.status());
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  LiveStudy& study = **found;
  const TrialNumber number = options.lease.trial;
  // An attempt that failed before its first report goes on from wherever the last one stood. One that completed must
  // say from where, or values that it did not go on from would count.
  if (options.start.has_value() || options.outcome == kCompleted) {
    ATHANOR_RETURN_IF_ERROR(Start(tx, study, number, options.start));
  }

  switch (options.outcome) {
    case kCompleted:
      if (!study.trial(number).final.has_value()) {
        CountFailure(state_, tx, study, number);
        EndLease(state_, tx, study, number, kFailed, TrialState::kFailed,
                 absl::StrCat("the trial ended without a value of objective ", study.spec().objective().metric,
                              "; it reported ", ReportedMetrics(study, number)));
        break;
      }
      if (!options.final_metrics.empty()) study.PutFinalMetrics(tx, number, options.final_metrics);
      EndLease(state_, tx, study, number, kCompleted, TrialState::kCompleted, options.reason);
      break;
    case kFailed:
      FailAttempt(state_, tx, study, number, options.reason);
      break;
    case kInfeasible:
      EndLease(state_, tx, study, number, kInfeasible, TrialState::kInfeasible, options.reason);
      break;
    default:
      EndLease(state_, tx, study, number, kPreempted, TrialState::kWaiting, options.reason);
      break;
  }
  if (study.trial(number).state == TrialState::kFailed) CheckMaxFailures(state_, tx, study);
  Settle(state_, tx, study);
  if (study.trial(number).state != TrialState::kCompleted && options.outcome != kInfeasible) {
    for (const auto& [id, other] : state_.studies) PauseIfDeserted(state_, tx, *other);
  }
  return study.trial(number).state;
}

std::string Leases::ReportedMetrics(const LiveStudy& study, TrialNumber number) const {
  std::set<std::string> names;
  const std::span<const std::string> reported = study.live(number)->reported.metrics();
  names.insert(reported.begin(), reported.end());
  // Earlier attempts' are in the store alone; should it not answer, those of this one have to do.
  const auto curves = state_.store.ReadCurves(study.id(), number, {}, Archived::kLeaveOut);
  if (curves.ok()) {
    for (const MetricCurve& curve : *curves) names.insert(curve.metric);
  }
  return names.empty() ? "nothing" : absl::StrJoin(names, ", ");
}

// A finish whose answer was lost comes again under the token that it ended itself: a while ago, or in this very group.
absl::StatusOr<TrialState> Leases::RepeatedFinish(const Transaction& tx, const FinishOptions& options,
                                                  const absl::Status& dead) {
  const auto found = state_.studies.find(options.lease.study);
  if (found == state_.studies.end() || !found->second->HasTrial(options.lease.trial)) return dead;
  const LiveStudy& study = *found->second;
  std::optional<AttemptOutcome> ended;
  for (const Change& change : tx.changes) {
    const auto* update = std::get_if<UpdateAttempt>(&change);
    if (update != nullptr && update->attempt.token == options.lease.token) ended = update->attempt.outcome;
  }
  if (!ended.has_value()) {
    const auto attempts = state_.store.ReadAttempts(study.id(), options.lease.trial);
    if (!attempts.ok()) return attempts.status();
    const auto attempt = std::ranges::find(*attempts, options.lease.token, &Attempt::token);
    if (attempt != attempts->end()) ended = attempt->outcome;
  }
  const Trial& trial = study.trial(options.lease.trial);
  // A trial that completed without a value of the objective was put down as failed.
  const bool without_value = options.outcome == AttemptOutcome::kCompleted && ended == AttemptOutcome::kFailed &&
                             trial.state == TrialState::kFailed && !trial.final.has_value();
  if (ended != options.outcome && !without_value) return dead;
  return trial.state;
}

absl::StatusOr<WorkerInMemory*> Leases::FindByName(const std::string& name) {
  const auto found = state_.workers.find(name);
  if (found == state_.workers.end()) return absl::NotFoundError(absl::StrCat("worker \"", name, "\" does not exist"));
  return &found->second;
}

absl::StatusOr<const WorkerInMemory*> Leases::Drain(Transaction& tx, const std::string& name) {
  ATHANOR_ASSIGN_OR_RETURN(WorkerInMemory * worker, FindByName(name));
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  worker->record.standing = WorkerStanding::kDraining;
  worker->record.reason = "drained by a user";
  tx.touched_workers.push_back(name);
  tx.changes.push_back(PutWorker{worker->record});
  PushCommand(state_, tx, name, {CommandKind::kDrain, {}});
  return worker;
}

absl::StatusOr<const WorkerInMemory*> Leases::Enable(Transaction& tx, const std::string& name) {
  ATHANOR_ASSIGN_OR_RETURN(WorkerInMemory * worker, FindByName(name));
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  RestoreTrust(state_, tx, *worker);
  return worker;
}

void Leases::Preempt(Transaction& tx, LiveStudy& study) {
  for (const TrialNumber number : study.live_attempts().Trials()) {
    LiveAttempt& live = *study.mutable_live(number);
    live.preempted_at = tx.now.monotonic;
    PushCommand(state_, tx, live.attempt.worker, {CommandKind::kPreempt, {study.id(), number, live.attempt.token}});
  }
}

void Leases::StopPreempting(LiveStudy& study) {
  for (const auto& [number, live] : study.live_attempts()) study.mutable_live(number)->preempted_at.reset();
}

void Leases::Pardon(Duration standstill, MonotonicTime now) {
  for (const auto& [id, study] : state_.studies) {
    for (const auto& [number, live] : study->live_attempts()) {
      study->mutable_live(number)->expires = std::min(live.expires + standstill, now + state_.options.lease);
    }
  }
  for (auto& [name, worker] : state_.workers) worker.last_seen = std::min(worker.last_seen + standstill, now);
}

void Leases::Expire(Transaction& tx) {
  for (const auto& [id, study] : state_.studies) {
    std::vector<TrialNumber> lost, preempted;
    for (const auto& [number, live] : study->live_attempts()) {
      if (live.expires <= tx.now.monotonic) {
        lost.push_back(number);
      } else if (live.preempted_at.has_value() &&
                 *live.preempted_at + state_.options.preempt_grace <= tx.now.monotonic) {
        preempted.push_back(number);
      }
    }
    std::ranges::sort(lost);
    std::ranges::sort(preempted);
    for (const TrialNumber number : lost) {
      RevokeLease(state_, tx, *study, number, AttemptOutcome::kLost, TrialState::kWaiting, "the lease expired");
    }
    for (const TrialNumber number : preempted) {
      RevokeLease(state_, tx, *study, number, AttemptOutcome::kPreempted, TrialState::kWaiting,
                  "not handed back within the grace period");
    }
  }
}

}  // namespace athanor
