#include "server/coordinator/dispatch.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/requirements.h"

namespace athanor {
namespace {

// Newest first. A checkpoint at a rung is registered before the value that enters the rung: until that is there too, an
// attempt that went on from it would never report it, so the trial has to train up to the rung again.
std::vector<Checkpoint> ResumableFrom(const LiveStudy& study, const Trial& trial) {
  std::vector<Checkpoint> checkpoints = study.checkpoints(trial.number);
  if (study.rule() == nullptr || checkpoints.empty()) return checkpoints;
  const std::vector<int64_t> rungs = study.rule()->Rungs();
  const int64_t measured = trial.final.has_value() ? trial.final->step : 0;
  std::erase_if(checkpoints, [&](const Checkpoint& checkpoint) {
    return checkpoint.step > measured && std::ranges::find(rungs, checkpoint.step) != rungs.end();
  });
  return checkpoints;
}

LeaseGrant GrantOf(const LiveStudy& study, const LeaseRef& lease) {
  const Trial& trial = study.trial(lease.trial);
  const StudySpec& spec = study.spec();
  LeaseGrant grant;
  grant.ref = lease;
  grant.study_name = spec.name;
  grant.options = spec.trainer;
  for (size_t i = 0; i < study.space().size(); ++i) {
    if (auto value = trial.configuration[i]) grant.options[study.space().parameters()[i].name] = *std::move(value);
  }
  grant.seed = trial.seed;
  grant.resource = spec.resource;
  grant.until_step = study.UntilStep(trial);
  if (study.rule() != nullptr && !trial.finalist) {
    grant.hold_at = study.rule()->HoldSteps(study.stopping_view(), lease.trial, trial.bracket);
    std::erase_if(grant.hold_at, [&](int64_t step) { return step >= grant.until_step; });
    grant.pauses_at_hold = !grant.hold_at.empty();
  }
  grant.checkpoints = ResumableFrom(study, trial);
  grant.checkpoint_interval_ms = spec.checkpoint.interval_ms;
  grant.stall_timeout_ms = spec.retry.stall_timeout_ms;
  grant.final_checkpoint = spec.checkpoint.keep_best > 0;  // it may be among them
  grant.objective = spec.objective();
  if (!grant.checkpoints.empty()) {
    for (const CurvePointInMemory& point : study.curve(lease.trial)) {
      if (point.step <= grant.checkpoints.front().step) grant.elapsed_ms = point.elapsed_ms;
    }
  }
  return grant;
}

}  // namespace

Dispatch::WaitId Dispatch::Acquire(Transaction& tx, const AcquireOptions& options,
                                   std::function<void(absl::StatusOr<Grants>)> done) {
  const auto caller = state_.HearFrom(options.worker, options.incarnation, tx.now);
  // Before anything else: a call that comes late must not end the poll that has replaced it.
  if (absl::Status status = caller.ok() ? CheckCall(options, **caller) : caller.status(); !status.ok()) {
    tx.replies.push_back([done = std::move(done), why = std::move(status)](const absl::Status&) { done(why); });
    return 0;
  }
  // An earlier acquire of the same worker is superseded.
  if (const auto earlier = wait_of_.find(options.worker); earlier != wait_of_.end()) {
    const auto other = waiting_.find(earlier->second);
    tx.replies.push_back([done = std::move(other->second.done)](const absl::Status&) { done(Grants()); });
    Remove(other);
  }
  if (static_cast<int>(waiting_.size()) >= state_.options.max_waiting_acquires) {
    tx.replies.push_back([done = std::move(done)](const absl::Status&) {
      done(absl::ResourceExhaustedError("too many workers wait for work already; retry with back-off"));
    });
    return 0;
  }
  const Duration wait = std::clamp(options.wait, Duration(0), state_.options.long_poll);
  Waiting waiting{options, tx.now.monotonic + wait, std::move(done)};
  if (Answer(tx, waiting)) return 0;
  const WaitId id = next_wait_++;
  wait_of_.emplace(options.worker, id);
  deadlines_.emplace(waiting.deadline, id);
  waiting_.emplace(id, std::move(waiting));
  return id;
}

Dispatch::Waits::iterator Dispatch::Remove(Waits::iterator waiting) {
  wait_of_.erase(waiting->second.options.worker);
  deadlines_.erase({waiting->second.deadline, waiting->first});
  return waiting_.erase(waiting);
}

// True if `waiting` was answered: with leases, with an error, or empty because it does not want to wait.
bool Dispatch::Answer(Transaction& tx, Waiting& waiting) {
  const auto worker = state_.FindWorker(waiting.options.worker, waiting.options.incarnation);
  const auto leases = worker.ok() ? TryAcquire(tx, waiting.options, **worker) : worker.status();
  if (leases.ok() && leases->empty() && waiting.deadline > tx.now.monotonic) return false;
  absl::StatusOr<Grants> grants = leases.ok() ? absl::StatusOr<Grants>(GrantsOf(*leases)) : leases.status();
  tx.replies.push_back([grants = std::move(grants), done = std::move(waiting.done)](const absl::Status& commit) {
    if (commit.ok()) {
      done(grants);
    } else {
      done(commit);
    }
  });
  return true;
}

absl::StatusOr<Grants> Dispatch::AcquireNow(Transaction& tx, const AcquireOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<LeaseRef> leases, LeaseNow(tx, options));
  return GrantsOf(leases);
}

absl::StatusOr<std::vector<LeaseRef>> Dispatch::LeaseNow(Transaction& tx, const AcquireOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(WorkerInMemory * worker, state_.HearFrom(options.worker, options.incarnation, tx.now));
  return TryAcquire(tx, options, *worker);
}

absl::Status Dispatch::CheckCall(const AcquireOptions& options, const WorkerInMemory& worker) {
  if (options.max_trials < 1) {
    return absl::InvalidArgumentError(absl::StrCat("max_trials: ", options.max_trials, "; want at least 1"));
  }
  if (options.sequence < worker.acquire_sequence) {
    return absl::FailedPreconditionError(absl::StrCat("sequence ", options.sequence, " of worker \"", options.worker,
                                                      "\" is older than ", worker.acquire_sequence));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LeaseRef>> Dispatch::TryAcquire(Transaction& tx, const AcquireOptions& options,
                                                           WorkerInMemory& worker) {
  ATHANOR_RETURN_IF_ERROR(CheckCall(options, worker));
  if (options.sequence == worker.acquire_sequence) {
    std::vector<LeaseRef> same = LastLeases(worker);
    if (!same.empty()) return same;
  }
  if (!tx.writable.ok()) return std::vector<LeaseRef>();
  worker.acquire_sequence = options.sequence;
  Take(tx, worker, std::min(options.max_trials, state_.options.max_leases_per_acquire));
  return LastLeases(worker);
}

void Dispatch::Cancel(WaitId id) {
  if (const auto waiting = waiting_.find(id); waiting != waiting_.end()) Remove(waiting);
}

void Dispatch::GiveBack(Transaction& tx, const Grants& grants) {
  if (!tx.writable.ok()) return;  // the worker will not list them
  for (const LeaseGrant& grant : grants) {
    const auto study = state_.FindLease(grant.ref);
    if (!study.ok()) continue;
    EndLease(state_, tx, **study, grant.ref.trial, AttemptOutcome::kPreempted, TrialState::kWaiting,
             "the worker went away before it got the lease");
  }
}

void Dispatch::ServeWaiting(Transaction& tx) {
  if (!tx.writable.ok() || waiting_.empty() || !AnyHasWork()) return;
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    if (Answer(tx, waiting->second)) {
      waiting = Remove(waiting);
    } else if (AnyHasWork()) {
      ++waiting;  // for somebody else
    } else {
      break;
    }
  }
}

void Dispatch::Expire(Transaction& tx) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= tx.now.monotonic) {
    const auto waiting = waiting_.find(deadlines_.begin()->second);
    tx.replies.push_back([done = std::move(waiting->second.done)](const absl::Status&) { done(Grants()); });
    Remove(waiting);
  }
}

void Dispatch::ReleaseAll(Transaction& tx) {
  for (auto& [id, waiting] : waiting_) {
    tx.replies.push_back([done = std::move(waiting.done)](const absl::Status&) { done(Grants()); });
  }
  waiting_.clear();
  wait_of_.clear();
  deadlines_.clear();
}

void Dispatch::Take(Transaction& tx, WorkerInMemory& worker, int max_trials) {
  if (worker.record.standing == WorkerStanding::kDraining) return;
  const MonotonicTime now = tx.now.monotonic;
  int taken = 0;
  while (worker.record.standing == WorkerStanding::kEnabled && taken < max_trials) {
    const Offer offer = ChooseStudy(worker, Trust::kFull, now);
    if (offer.study == nullptr) break;
    Lease(tx, offer, worker);
    ++taken;
  }
  if (taken > 0 || !worker.next_probe.has_value() || now < *worker.next_probe) return;
  // One trial now and then shows whether the worker has recovered.
  if (const Offer offer = ChooseStudy(worker, Trust::kProbe, now); offer.study != nullptr) {
    worker.next_probe = now + state_.options.probe_interval;
    Lease(tx, offer, worker);
  }
}

bool Dispatch::MayRunMore(const LiveStudy& study) {
  if (study.record().state != StudyState::kActive) return false;
  const int64_t parallel = study.spec().budget.parallel;
  return parallel <= 0 || study.Count(TrialState::kRunning) < parallel;
}

bool Dispatch::HasWork(const LiveStudy& study) const {
  if (!MayRunMore(study)) return false;
  const NextWork work = FindWork(study);
  if (work != NextWork::kNewTrial) return work != NextWork::kNone;
  return !suggestions_.MustWait(study) || !suggestions_.IsUnderWay(study);
}

bool Dispatch::AnyHasWork() const {
  return std::ranges::any_of(state_.studies, [&](const auto& entry) { return HasWork(*entry.second); });
}

// Highest priority, then fewest leased trials, then oldest.
Dispatch::Offer Dispatch::ChooseStudy(const WorkerInMemory& worker, Trust trust, MonotonicTime now) {
  Offer best;
  const auto key = [](const LiveStudy& study) {
    return std::tuple(-study.spec().priority, study.Count(TrialState::kRunning), study.id());
  };
  for (const auto& [id, study] : state_.studies) {
    if (!MayRunMore(*study)) continue;
    if (best.study != nullptr && key(*best.study) <= key(*study)) continue;
    if (!Meets(worker.record, study->spec())) continue;
    if (trust == Trust::kFull && study->IsBarred(worker.record.name)) continue;
    const Work work = WorkFor(*study, worker, now);
    if (work.kind != NextWork::kNone) best = {study.get(), work};
  }
  return best;
}

// Re-queued trials first (lowest number), then promotions, enqueued configurations and new trials, finalists. A trial
// that this worker failed comes last as long as there is another worker that may run it.
Dispatch::Work Dispatch::WorkFor(const LiveStudy& study, const WorkerInMemory& worker, MonotonicTime now) {
  if (const auto requeued = RequeuedFor(study, worker.record.name, now)) return {NextWork::kRequeued, *requeued, {}};
  if (study.rule() != nullptr) {
    const auto promotion = study.rule()->NextPromotion(study.stopping_view());
    if (promotion.has_value()) return {NextWork::kPromotion, promotion->trial, promotion};
  }
  if (study.MayCreateTrial()) {
    if (!suggestions_.MustWait(study)) return {NextWork::kNewTrial, 0, {}};
    if (!suggestions_.IsUnderWay(study)) suggestions_.Want(study);
    return {};
  }
  if (!study.waiting().empty()) return {NextWork::kRequeued, *study.waiting().begin(), {}};
  if (study.Count(TrialState::kPaused) == 0) return {};
  const auto finalist = FindFinalist(study);
  return finalist.has_value() ? Work{NextWork::kFinalist, finalist->trial, finalist} : Work{};
}

bool Dispatch::AnotherMayRun(const LiveStudy& study, const std::string& worker, MonotonicTime now) const {
  return std::ranges::any_of(state_.workers, [&](const auto& entry) {
    return entry.first != worker && state_.MayRun(entry.second, study, now);
  });
}

std::optional<TrialNumber> Dispatch::RequeuedFor(const LiveStudy& study, const std::string& worker,
                                                 MonotonicTime now) const {
  const auto& waiting = study.waiting();
  if (waiting.empty()) return std::nullopt;
  const auto other = std::ranges::find_if(waiting, [&](TrialNumber trial) { return study.failed_on(trial) != worker; });
  if (other != waiting.end()) return *other;
  return AnotherMayRun(study, worker, now) ? std::nullopt : std::optional(*waiting.begin());
}

TrialNumber Dispatch::Prepare(Transaction& tx, const Offer& offer) {
  LiveStudy& study = *offer.study;
  switch (offer.work.kind) {
    case NextWork::kPromotion:
      study.Resume(tx, *offer.work.promotion, LiveStudy::Resumption::kPromotion);
      break;
    case NextWork::kFinalist:
      study.Resume(tx, *offer.work.promotion, LiveStudy::Resumption::kFinalist);
      break;
    case NextWork::kNewTrial: {
      const TrialNumber created = study.CreateTrial(tx, suggestions_.Take(study));
      KeepReady(study);
      return created;
    }
    default:
      break;
  }
  return offer.work.trial;
}

// A worker does not wait for a suggestion while another study has work, whatever the priorities say. Where there is
// such a study, the suggestion is computed before it is asked for, at the price of what it cannot know yet.
void Dispatch::KeepReady(const LiveStudy& study) {
  const bool competes = std::ranges::any_of(state_.studies, [&](const auto& entry) {
    return entry.second.get() != &study && entry.second->record().state == StudyState::kActive;
  });
  if (competes && study.MayCreateTrial()) suggestions_.Want(study);
}

void Dispatch::Lease(Transaction& tx, const Offer& offer, WorkerInMemory& worker) {
  LiveStudy& study = *offer.study;
  const TrialNumber trial = Prepare(tx, offer);
  const Token token = state_.next_token++;
  study.StartAttempt(tx, trial,
                     {token, worker.record.name, worker.acquire_sequence, tx.now.monotonic + state_.options.lease});
  if (offer.work.promotion.has_value()) study.RecordPromotion(tx, *offer.work.promotion);
  worker.held.insert({study.id(), trial, token});
  tx.touched_workers.push_back(worker.record.name);
}

std::vector<LeaseRef> Dispatch::LastLeases(const WorkerInMemory& worker) const {
  std::vector<LeaseRef> leases;
  for (const LeaseRef& lease : worker.held) {
    const LiveStudy& study = *state_.studies.at(lease.study);
    if (study.live(lease.trial)->attempt.acquire_sequence == worker.acquire_sequence) leases.push_back(lease);
  }
  std::ranges::sort(leases, {}, &LeaseRef::token);
  return leases;
}

Grants Dispatch::GrantsOf(const std::vector<LeaseRef>& leases) const {
  Grants grants;
  for (const LeaseRef& lease : leases) grants.push_back(GrantOf(*state_.studies.at(lease.study), lease));
  return grants;
}

}  // namespace athanor
