// A session with the scripted trainer on one side and the scripted coordinator on the other.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/trainer_options.h"
#include "tests/testing/fake_worker_transport.h"
#include "tests/worker/session/temporary_folder.h"
#include "worker/session/session.h"

namespace athanor::session {

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    signal(SIGPIPE, SIG_IGN);
    options_.reconnect_backoff = {.initial = std::chrono::milliseconds(5), .cap = std::chrono::milliseconds(50)};
    options_.transfer_backoff = options_.reconnect_backoff;
    options_.logs.interval = std::chrono::milliseconds(5);
    options_.logs.flush_timeout = std::chrono::milliseconds(200);
    options_.logs.backoff = options_.reconnect_backoff;
  }

  // Makes the session; `trainer` are words for the scripted trainer.
  void Start(const std::vector<std::string>& trainer = {}) {
    cache_ = *CheckpointCache::Open(folder_ / "checkpoints", int64_t{1} << 20);
    options_.registration.set_worker("node-0");
    options_.registration.set_incarnation(7);
    options_.trainer.trainer = "fake";
    options_.trainer.version = "1";
    options_.trainer.option_table_hash = TrainerOptionsHash();
    options_.trials_folder = folder_ / "trials";
    for (int slot = 0; slot < slots_; ++slot) {
      SlotOptions slot_options;
      slot_options.trainer = {ATHANOR_FAKE_TRAINER_PROGRAM};
      slot_options.trainer.insert(slot_options.trainer.end(), trainer.begin(), trainer.end());
      slot_options.obey_timeout = obey_timeout_;
      slot_options.max_child_memory_bytes = max_child_memory_bytes_;
      options_.slots.push_back(slot_options);
    }
    session_ = std::make_unique<Session>(io_, clock_, coordinator_, *cache_, options_,
                                         [this](const absl::Status& status) { ended_ = status; });
    session_->Start();
  }

  // Runs the session until `done()`; false if that takes over 30 s.
  template <typename Predicate>
  bool RunUntil(Predicate done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      if (std::chrono::steady_clock::now() >= limit) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  bool RunUntilEvent(const std::string& event) {
    return RunUntil([&] { return Count(event) > 0; });
  }
  bool RunUntilFinishes(size_t count) {
    return RunUntil([&] { return Finishes().size() >= count; });
  }
  bool RunUntilEnded() {
    return RunUntil([&] { return ended_.has_value(); });
  }
  // True once the coordinator has heard that no lease is held.
  bool RunUntilIdle() {
    return RunUntil([&] { return session_->HeldLeases().empty() && session_->FreeSlots() == slots_; });
  }

  // A lease of trial `number` that trains to `until`.
  static v1::Lease MakeLease(int64_t number, int64_t until) {
    v1::Lease lease;
    lease.mutable_ref()->set_study_id(1);
    lease.mutable_ref()->set_trial_number(number);
    lease.mutable_ref()->set_token(100 + number);
    lease.set_study_name("study");
    lease.set_seed(static_cast<uint64_t>(number));
    lease.set_resource(v1::RESOURCE_EPOCH);
    lease.set_until_step(until);
    lease.set_stall_timeout_ms(20000);
    lease.set_objective_metric("accuracy");
    lease.set_goal(v1::GOAL_MAXIMIZE);
    return lease;
  }

  // What the coordinator saw, without progress and downloads' noise.
  std::vector<std::string> Events() {
    return coordinator_.Ask([](auto& state) {
      std::vector<std::string> events;
      for (const std::string& event : state.events) {
        if (event.rfind("progress", 0) != 0) events.push_back(event);
      }
      return events;
    });
  }
  int Count(const std::string& event) {
    return coordinator_.Ask(
        [&](auto& state) { return static_cast<int>(std::count(state.events.begin(), state.events.end(), event)); });
  }
  std::vector<v1::FinishRequest> Finishes() {
    return coordinator_.Ask([](auto& state) { return state.finishes; });
  }
  std::vector<v1::TrialReport> Reports() {
    return coordinator_.Ask([](auto& state) { return state.reports; });
  }
  void AnswerReports(v1::Action action, int64_t at_step) {
    coordinator_.Ask([&](auto& state) {
      state.verdict = [=](const v1::TrialReport& report) {
        v1::Verdict verdict;
        verdict.set_action(report.measurements().rbegin()->step() >= at_step ? action : v1::ACTION_CONTINUE);
        return verdict;
      };
    });
  }

  TemporaryFolder folder_;
  boost::asio::io_context io_;
  SystemClock clock_;
  FakeWorkerTransport coordinator_;
  SessionOptions options_;
  int slots_ = 1;
  Duration obey_timeout_ = std::chrono::seconds(10);
  int64_t max_child_memory_bytes_ = 0;
  std::unique_ptr<CheckpointCache> cache_;
  std::optional<absl::Status> ended_;
  std::unique_ptr<Session> session_;
};

}  // namespace athanor::session
