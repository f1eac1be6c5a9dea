// A whole study by script, which a coordinator that is killed on the way must go through just the same.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor::testing {

// When the coordinator dies and a new one reads the store.
enum class Reopening {
  kNever,
  kAfterEveryStep,
  kNowAndThen,  // after every eleventh step: in every phase of some trial or other
};

// Who computes suggestions of slow methods.
enum class Suggesting {
  kOnTheSpot,
  kOnAPool,  // that is asked, dies with the coordinator, and is asked again
};

struct ScriptOptions {
  Reopening reopening = Reopening::kNever;
  Suggesting suggesting = Suggesting::kOnTheSpot;
  Store* store = nullptr;                           // without one, in memory
  NamedValues enqueued = {{"learning_rate", 0.5}};  // empty: nothing is
};

// Three workers of which one fails every fourth trial that it gets, with a pause, an enqueued configuration, a
// cancelled and a retried trial and a lost lease on the way.
class Script {
 public:
  Script(StudySpec spec, const ScriptOptions& options) : options_(options), coordinator_({}, options.store) {
    UsePool();
    study_ = coordinator_.Create(std::move(spec));
    for (const char* worker : {"a", "b", "c"}) coordinator_.Register(worker);
  }

  // Everything that was leased and decided, and memory at the end.
  std::string Run() {
    for (int round = 0; round < 200 && !IsFinished(coordinator_.state(study_)); ++round) {
      Intervene(round);
      for (const char* worker : {"a", "b", "c"}) Work(worker, round);
    }
    EXPECT_EQ(coordinator_.state(study_), StudyState::kCompleted);
    for (const DecisionRecord& decision : coordinator_.Decisions(study_)) {
      absl::StrAppend(&log_, decision.revision, " trial ", decision.trial, " token ", decision.token, " step ",
                      decision.step, " ", decision.rule, " rung ", decision.rung.value_or(-1), " value ",
                      decision.value, " bound ", decision.bound, " n ", decision.n, " ", ToString(decision.action),
                      "\n");
    }
    return absl::StrCat(log_, coordinator_.MemoryText());
  }

  // After Run: how often the coordinator was killed, and how many suggestions the pool was asked for.
  int reopened() const { return reopened_; }
  int asked() const { return asked_; }

 private:
  void UsePool() {
    if (options_.suggesting == Suggesting::kOnTheSpot) return;
    pool_.clear();
    coordinator_.coordinator().UseSearchPool({.run =
                                                  [this](std::function<void()> work) {
                                                    ++asked_;
                                                    pool_.push_back(std::move(work));
                                                  },
                                              .wake = [] {}});
  }

  void Step() {
    coordinator_.Advance(std::chrono::seconds(5));  // how often active time is written
    coordinator_.HeartbeatAll();
    ++steps_;
    if (options_.reopening == Reopening::kNever) return;
    if (options_.reopening == Reopening::kNowAndThen && steps_ % 11 != 0) return;
    const std::string before = coordinator_.MemoryText();
    coordinator_.Reopen();
    UsePool();
    ++reopened_;
    EXPECT_EQ(coordinator_.MemoryText(), before);
    coordinator_.HeartbeatAll();
  }

  void Intervene(int round) {
    if (round == 2 && !options_.enqueued.empty()) {
      EXPECT_TRUE(coordinator_.Enqueue(study_, options_.enqueued).ok());
    }
    if (round == 3) coordinator_.Cancel(study_, 1).IgnoreError();  // unless it has ended
    if (round == 4) {
      EXPECT_TRUE(coordinator_.Steer(&Studies::Pause, study_).ok());
      Step();
      EXPECT_TRUE(coordinator_.Steer(&Studies::Resume, study_).ok());
    }
    if (round == 5 && coordinator_.state(study_, 1) == TrialState::kCancelled) {
      EXPECT_TRUE(coordinator_.Retry(study_, 1).ok());
    }
    Step();
  }

  // What there is for the worker. A pool is asked for one trial at a time, so that nothing changes until its answer is
  // there; the coordinator may die in between.
  Grants Acquire(const std::string& worker) {
    if (options_.suggesting == Suggesting::kOnTheSpot) return coordinator_.Acquire(worker, 2);
    Grants grants = coordinator_.Acquire(worker);
    if (!grants.empty()) return grants;
    Step();
    grants = coordinator_.Acquire(worker);
    if (pool_.empty()) return grants;
    const auto work = std::move(pool_.front());
    pool_.pop_front();
    work();
    EXPECT_TRUE(coordinator_.Tick().ok());  // the group that the pool wakes the owner for
    return coordinator_.Acquire(worker);
  }

  void Work(const std::string& worker, int round) {
    const Grants grants = Acquire(worker);
    Step();
    for (const LeaseGrant& grant : grants) {
      absl::StrAppend(&log_, worker, " leased ", grant.ref.trial, " token ", grant.ref.token, " seed ", grant.seed,
                      " from ", grant.checkpoints.empty() ? 0 : grant.checkpoints.front().step, "\n");
      if (worker == "b" && ++leased_by_b_ % 4 == 0) {
        absl::StrAppend(&log_, "failed to ", ToString(coordinator_.Finish(grant, AttemptOutcome::kFailed)), "\n");
      } else if (worker == "c" && round == 1) {
        const auto answer = coordinator_.Heartbeat("c", {});  // it never got the answer
        EXPECT_TRUE(coordinator_.Heartbeat("c", {}).ok() && answer.ok());
      } else {
        Train(grant);
      }
      Step();
    }
  }

  void Train(const LeaseGrant& grant) {
    const int64_t first = grant.checkpoints.empty() ? 1 : grant.checkpoints.front().step + 1;
    for (int64_t step = first; step <= grant.until_step; ++step) {
      const double value = std::sin(static_cast<double>(7 * grant.ref.trial)) + 0.01 * static_cast<double>(step);
      EXPECT_TRUE(coordinator_.Checkpoint(grant, step).ok());
      Step();
      const Action action = coordinator_.Report(grant, step, grant.ref.trial == 5 ? NAN : value);
      Step();
      if (action != Action::kContinue) {
        absl::StrAppend(&log_, "trial ", grant.ref.trial, " ", ToString(action), " at ", step, "\n");
        return;
      }
    }
    coordinator_.Finish(grant);
  }

  const ScriptOptions options_;
  TestCoordinator coordinator_;
  StudyId study_ = 0;
  std::deque<std::function<void()>> pool_;
  int64_t steps_ = 0;
  int reopened_ = 0;
  int asked_ = 0;
  int leased_by_b_ = 0;
  std::string log_;
};

}  // namespace athanor::testing
