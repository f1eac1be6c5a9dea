// Thousands of random operations of several workers and users on several studies, with groups, failing commits, lost
// answers and restarts: whatever happens, the facts agree with each other and with the store.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "server/check/history_check.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using testing::TestCoordinator;

constexpr int kOperations = 2500;
constexpr const char* kKinds[] = {"plain",    "asha",      "asha_stopping", "median",  "grid",
                                  "brackets", "hyperband", "synchronous",   "patience"};

EarlyStoppingOptions Hyperband9(bool synchronous) {
  Hyperband hyperband;
  hyperband.max_resource = 9;
  hyperband.synchronous = synchronous;
  return hyperband;
}

class RandomLife : public ::testing::TestWithParam<uint64_t> {
 protected:
  RandomLife() : random_(GetParam()) {
    for (const char* kind : kKinds) Create(kind);
    for (const char* worker : {"a", "b", "c"}) {
      coordinator_.Register(worker, ++incarnation_);
      coordinator_.OpenStream(worker);
    }
  }

  void Create(const std::string& kind) {
    const std::string name = absl::StrCat(kind, created_++);
    StudySpec spec = testing::SmallStudy(name, 12);
    if (kind == "asha") spec = testing::AshaStudy(name, 12, 2);
    if (kind == "asha_stopping") spec = testing::AshaStoppingStudy(name, 12);
    if (kind == "grid") spec = testing::SmallGrid(name);
    if (kind == "median") {
      MedianStopping median;
      median.startup_trials = 2;
      spec.early_stopping = median;
    }
    if (kind == "brackets")
      std::get<AshaPromotion>((spec = testing::AshaStudy(name, 12, 2)).early_stopping).brackets = 2;
    if (kind == "hyperband" || kind == "synchronous") {
      spec = testing::AshaStudy(name, 20);
      spec.early_stopping = Hyperband9(kind == "synchronous");
    }
    if (kind == "patience") {
      spec.early_stopping = PatienceStopping{.patience = 1, .inner = ThresholdStopping{{.lower = 0.6}}};
    }
    spec.retry.max_attempts = 2;
    spec.budget.parallel = Below(3) == 0 ? 3 : 0;
    spec.priority = static_cast<int64_t>(Below(2));
    if (Below(4) == 0) spec.budget.max_failures = 4;
    coordinator_.Create(spec);
  }

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  State& state() { return coordinator_.coordinator().state(); }
  std::string Worker() { return std::string(1, static_cast<char>('a' + Below(3))); }
  StudyId AnyStudy() { return static_cast<StudyId>(1 + Below(static_cast<uint64_t>(state().next_study))); }
  std::string Name(StudyId id) { return absl::StrCat(id); }

  // One random operation, as a group of its own or queued for a later one.
  void Act() {
    const uint64_t kind = Below(100);
    if (kind < 22) {
      Acquire();
    } else if (kind < 62) {
      OnLease();
    } else if (kind < 70) {
      Heartbeat();
    } else if (kind < 80) {
      Steer();
    } else if (kind < 92) {
      PassTime();
    } else if (kind < 94) {
      Register();
    } else if (kind < 96) {
      coordinator_.Reopen();
      for (const char* worker : {"a", "b", "c"}) coordinator_.OpenStream(worker);
    } else {
      const bool all_over = std::ranges::all_of(
          state().studies, [](const auto& study) { return IsFinished(study.second->record().state); });
      if (all_over) Create(kKinds[Below(std::size(kKinds))]);
    }
  }

  void Acquire() {
    const AcquireOptions options = coordinator_.NextAcquire(Worker(), static_cast<int>(1 + Below(3)));
    auto granted = coordinator_.TryAcquire(options);
    if (Below(4) == 0) granted = coordinator_.TryAcquire(options);  // the answer was lost
    if (!granted.ok()) return;
    for (const LeaseGrant& grant : *granted) {
      if (Below(20) > 0) leases_.push_back(grant);  // else the worker never hears of it
    }
  }

  void OnLease() {
    if (leases_.empty()) return;
    const size_t at = Below(leases_.size());
    const LeaseGrant lease = leases_[at];
    const uint64_t kind = Below(10);
    if (kind < 7) {
      // Training goes on from wherever this worker believes it is; a stale lease speaks too.
      int64_t& step = steps_.try_emplace(lease.ref.token, Resumed(lease)).first->second;
      ++step;
      if (Below(3) > 0) coordinator_.Checkpoint(lease, step).IgnoreError();
      const auto verdict = coordinator_.TryReport({.lease = lease.ref,
                                                   .start = AttemptStart{Resumed(lease), {}},
                                                   .measurements = {{step, step * 10, {{"accuracy", Value()}}}}});
      if (!verdict.ok()) --step;  // not on disk: it will be sent again
    } else if (kind < 9) {
      constexpr AttemptOutcome kOutcomes[] = {AttemptOutcome::kCompleted, AttemptOutcome::kCompleted,
                                              AttemptOutcome::kFailed, AttemptOutcome::kInfeasible,
                                              AttemptOutcome::kPreempted};
      coordinator_
          .TryFinish({.lease = lease.ref,
                      .outcome = kOutcomes[Below(5)],
                      .reason = "random",
                      .start = AttemptStart{Resumed(lease), {}}})
          .IgnoreError();
    } else {
      leases_.erase(leases_.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  int64_t Resumed(const LeaseGrant& lease) {
    return lease.checkpoints.empty() || lease.ref.token % 7 == 0 ? 0 : lease.checkpoints.front().step;
  }

  double Value() {
    const uint64_t kind = Below(20);
    if (kind == 0) return std::numeric_limits<double>::quiet_NaN();
    if (kind == 1) return std::numeric_limits<double>::infinity();
    return static_cast<double>(Below(50)) / 50;  // with ties
  }

  void Heartbeat() {
    const std::string worker = Worker();
    std::vector<LeaseRef> listed;
    for (const LeaseRef& lease : state().workers.at(worker).held) {
      if (Below(10) > 0) listed.push_back(lease);
    }
    coordinator_.Heartbeat(worker, listed).IgnoreError();
  }

  void Steer() {
    const StudyId study = AnyStudy();
    const auto trial = static_cast<TrialNumber>(Below(13));
    switch (Below(12)) {
      case 0:
      case 1:
        coordinator_.Steer(&Studies::Pause, study).IgnoreError();
        break;
      case 2:
      case 3:
      case 4:
        coordinator_.Steer(&Studies::Resume, study).IgnoreError();
        break;
      case 5:
        if (Below(6) == 0) coordinator_.Steer(&Studies::Cancel, study).IgnoreError();
        break;
      case 6:
        coordinator_.Cancel(study, trial).IgnoreError();
        break;
      case 7:
      case 8:
        coordinator_.Retry(study, trial).IgnoreError();
        break;
      case 9:
        coordinator_.Enqueue(study, {{"learning_rate", 0.5}}).IgnoreError();
        break;
      case 10:
        coordinator_
            .Run([&](Transaction& tx) { return coordinator_.coordinator().leases().Enable(tx, Worker()).status(); })
            .IgnoreError();
        break;
      default:
        if (Below(4) == 0) {
          coordinator_
              .Run([&](Transaction& tx) { return coordinator_.coordinator().studies().Delete(tx, Name(study), {}); })
              .IgnoreError();
        }
    }
  }

  void PassTime() {
    coordinator_.clock().Advance(seconds(1 + Below(12)));
    coordinator_.Tick().IgnoreError();
  }

  void Register() {
    const std::string worker = Worker();
    Registration registration;
    registration.protocol_version = kProtocolVersion;
    registration.worker.name = worker;
    registration.worker.slots = 1;
    registration.worker.incarnation = coordinator_.incarnation(worker);
    coordinator_.TryRegister(registration).IgnoreError();
  }

  void CheckStudy(const LiveStudy& study) {
    std::array<int64_t, 8> counts = {};
    std::set<TrialNumber> waiting;
    for (const Trial& trial : study.trials()) {
      ++counts[static_cast<size_t>(trial.state)];
      EXPECT_EQ(study.live(trial.number) != nullptr, trial.state == TrialState::kRunning);
      EXPECT_EQ(IsFinished(trial.state), trial.ended != WallTime{});
      if (trial.state == TrialState::kWaiting) waiting.insert(trial.number);
      EXPECT_TRUE(IsFinished(trial.state) || !IsFinished(study.record().state));
      EXPECT_EQ(trial.best.has_value(), trial.final.has_value());
    }
    for (size_t state = 0; state < counts.size(); ++state) {
      EXPECT_EQ(study.Count(static_cast<TrialState>(state)), counts[state]);
    }
    EXPECT_TRUE(std::ranges::equal(study.waiting(), waiting));
    const int64_t total = *study.TrialsTotal();
    EXPECT_LE(static_cast<int64_t>(study.trials().size()), total);
    const std::string& reason = study.record().reason;
    if (study.record().state == StudyState::kCompleted && reason == "every trial has ended") {
      EXPECT_EQ(static_cast<int64_t>(study.trials().size()), total);
    }
    const int64_t parallel = study.spec().budget.parallel;
    EXPECT_TRUE(parallel == 0 || study.Count(TrialState::kRunning) <= parallel);
    if (study.rule() == nullptr) return;
    const auto rungs = static_cast<int64_t>(study.rule()->Rungs().size());
    for (int64_t at = 0; at < study.ladder().brackets() * rungs; ++at) {
      int64_t& seen = rung_sizes_[{study.id(), at}];
      const int64_t n = study.ladder().rung(at / rungs, at % rungs).entries().size();
      EXPECT_GE(n, seen) << "a rung entry was withdrawn";
      seen = n;
    }
  }

  void CheckAll() {
    std::set<Token> tokens;
    std::set<std::pair<StudyId, TrialNumber>> leased;
    for (const auto& [id, study] : state().studies) {
      CheckStudy(*study);
      for (const auto& [number, live] : study->live_attempts()) {
        EXPECT_TRUE(tokens.insert(live.attempt.token).second);
        Token& last = newest_token_[{id, number}];
        EXPECT_GE(live.attempt.token, last) << "a token went back";
        last = live.attempt.token;
        EXPECT_TRUE(state().workers.at(live.attempt.worker).held.contains({id, number, live.attempt.token}));
        leased.insert({id, number});
      }
    }
    size_t held = 0;
    for (const auto& [name, worker] : state().workers) held += worker.held.size();
    EXPECT_EQ(held, leased.size());
  }

  TestCoordinator coordinator_;
  Random random_;
  std::vector<LeaseGrant> leases_;
  std::map<Token, int64_t> steps_;
  std::map<std::pair<StudyId, TrialNumber>, Token> newest_token_;
  std::map<std::pair<StudyId, int64_t>, int64_t> rung_sizes_;  // by study, and number over its ladders
  uint64_t incarnation_ = 0;
  int created_ = 0;
};

TEST_P(RandomLife, KeepsFactsInAgreementWithEachOtherAndWithTheStore) {
  for (int operation = 0; operation < kOperations && !HasFailure(); ++operation) {
    const bool breaks = Below(15) == 0;
    const std::string before = breaks ? coordinator_.MemoryText() : "";
    const int64_t commits = coordinator_.owner().statistics().commits;
    if (breaks && Below(2) == 0) {
      coordinator_.memory_store().SetCommitStatus(absl::UnavailableError("I/O error"));
      OnLease();
      Heartbeat();
      Steer();
      coordinator_.memory_store().SetCommitStatus(absl::OkStatus());
      EXPECT_EQ(coordinator_.MemoryText(), before) << "after a failed commit, operation " << operation;
      EXPECT_GE(coordinator_.owner().statistics().commits, commits);
    }
    Act();
    CheckAll();
    if (operation % 10 != 0) continue;
    EXPECT_EQ(coordinator_.MemoryText(), coordinator_.StoreText()) << "operation " << operation;
    const auto history =
        CheckHistory(coordinator_.store(), [](const Violation& found) { ADD_FAILURE() << ToString(found); });
    EXPECT_TRUE(history.ok()) << history.status() << ", operation " << operation;
  }
  int64_t finished = 0;
  for (const auto& [id, study] : state().studies) finished += study->Count(TrialState::kCompleted);
  EXPECT_GT(finished, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLife, ::testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace athanor
