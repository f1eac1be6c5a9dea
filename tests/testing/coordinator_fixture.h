// A coordinator without threads, wire or time: each call is queued to an Owner, applied and committed by RunOnce before
// it returns. Time is what the test says it is.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/coordinator/coordinator.h"
#include "server/store/memory_store.h"

namespace athanor::testing {

class FakeClock final : public Clock {
 public:
  Now Read() const override { return now_; }
  void Advance(Duration passed) {
    elapsed_ += passed;
    now_.monotonic = MonotonicTime(elapsed_);
    now_.wall = WallTime(std::chrono::milliseconds(1'700'000'000'000) +
                         std::chrono::floor<std::chrono::milliseconds>(elapsed_));
  }

 private:
  Duration elapsed_{};
  Now now_{MonotonicTime{}, WallTime(std::chrono::milliseconds(1'700'000'000'000))};
};

// Random search over one learning rate, `trials` trials of 9 epochs, objective `accuracy` maximised, no stopping rule.
StudySpec SmallStudy(const std::string& name, int64_t trials);
// The 3 x 2 grid of batch_size {16, 32, 64} and optimizer {sgd, adam}.
StudySpec SmallGrid(const std::string& name);
// SmallStudy under `asha` with rungs at 1, 3 and 9 epochs.
StudySpec AshaStudy(const std::string& name, int64_t trials, int64_t finalists = 1);
// SmallStudy under `asha_stopping` with rungs at 1, 3 and 9 epochs.
StudySpec AshaStoppingStudy(const std::string& name, int64_t trials);

// 64 hex digits that differ with `number`.
std::string FakeHash(int64_t number);

// The answer to a long poll, once it is there.
struct Poll {
  Dispatch::WaitId id = 0;
  std::optional<absl::StatusOr<Grants>> answer;
  bool leased() const { return answer.has_value() && answer->ok() && !(*answer)->empty(); }
};

// Not thread-safe. Failures of calls that a test takes for granted are GoogleTest failures naming the call.
class TestCoordinator {
 public:
  // `store` may be shared by several, one after the other; without one, an own MemoryStore.
  explicit TestCoordinator(CoordinatorOptions options = {}, Store* store = nullptr);
  ~TestCoordinator();

  // The coordinator dies here, without a word, and a new one reads the store. Streams and long polls are gone; workers
  // keep their names and incarnations.
  void Reopen();

  // Applies one use case as a group of its own: its result, or the commit's error.
  template <typename UseCase>
  std::invoke_result_t<UseCase, Transaction&> Run(UseCase use_case) {
    std::optional<std::invoke_result_t<UseCase, Transaction&>> result;
    absl::Status fate = absl::UnknownError("the operation was not answered");
    EXPECT_TRUE(owner_
                    ->Post([&](Transaction& tx) -> Owner::Reply {
                      result = use_case(tx);
                      return [&fate](const absl::Status& commit) { fate = commit; };
                    })
                    .ok());
    owner_->RunOnce();
    if (!fate.ok()) return fate;
    return *std::move(result);
  }

  // ---- Studies ----
  StudyId Create(StudySpec spec);
  absl::StatusOr<StudyId> TryCreate(StudySpec spec, const std::string& request_id = "",
                                    const std::string& fingerprint = "f");
  // `verb` is one of Studies::Pause, Resume, Cancel.
  using StudyVerb = absl::StatusOr<LiveStudy*> (Studies::*)(Transaction&, const std::string&, const RequestKey&);
  absl::Status Steer(StudyVerb verb, StudyId study);
  absl::StatusOr<TrialState> Retry(StudyId study, TrialNumber trial, const std::string& request_id = "");
  absl::StatusOr<TrialState> Cancel(StudyId study, TrialNumber trial, const std::string& request_id = "");
  absl::StatusOr<int64_t> Enqueue(StudyId study, const NamedValues& parameters, const std::string& request_id = "");

  // ---- Workers ----
  void Register(const std::string& worker, uint64_t incarnation = 1,
                const std::function<void(WorkerRecord&)>& change = {});
  absl::Status TryRegister(const Registration& registration);
  // Opens the worker's stream: commands pushed to it are kept in commands(worker).
  void OpenStream(const std::string& worker);
  const std::vector<Command>& commands(const std::string& worker) { return commands_[worker]; }
  // What there is now, under the next sequence number of the worker.
  Grants Acquire(const std::string& worker, int max_trials = 1);
  absl::StatusOr<Grants> TryAcquire(const AcquireOptions& options);
  // A long poll; `worker` waits until it is answered.
  std::shared_ptr<Poll> Park(const std::string& worker, Duration wait, int max_trials = 1);
  AcquireOptions NextAcquire(const std::string& worker, int max_trials = 1);
  uint64_t incarnation(const std::string& worker) const { return incarnations_.at(worker); }
  absl::StatusOr<HeartbeatAnswer> Heartbeat(const std::string& worker, const std::vector<LeaseRef>& leases);
  // Every registered worker lists all that the coordinator believes it holds.
  void HeartbeatAll();

  // ---- Trials under a lease ----
  absl::StatusOr<Verdict> TryReport(const TrialReport& report);
  // One measurement of the objective; the first report of a lease states the step that its newest checkpoint gives.
  Action Report(const LeaseGrant& lease, int64_t step, double value);
  absl::Status Checkpoint(const LeaseGrant& lease, int64_t step);
  absl::StatusOr<TrialState> TryFinish(const FinishOptions& options);
  TrialState Finish(const LeaseGrant& lease, AttemptOutcome outcome = AttemptOutcome::kCompleted);
  // Reports values(step) for every step that is left, with a checkpoint at each hold, and finishes unless it is paused
  // or pruned before. Returns the trial's state.
  TrialState Train(const LeaseGrant& lease, const std::function<double(int64_t)>& values);

  // ---- Time ----
  absl::Status Tick();
  // Passes the time, then ticks.
  void Advance(Duration passed);

  // ---- Facts ----
  FakeClock& clock() { return clock_; }
  MemoryStore& memory_store() { return own_store_; }
  Store& store() { return *store_; }
  Owner& owner() { return *owner_; }
  Coordinator& coordinator() { return *coordinator_; }
  LiveStudy& study(StudyId id) { return *coordinator_->state().studies.at(id); }
  const Trial& trial(StudyId id, TrialNumber number) { return study(id).trial(number); }
  TrialState state(StudyId id, TrialNumber number) { return trial(id, number).state; }
  StudyState state(StudyId id) { return study(id).record().state; }
  std::vector<DecisionRecord> Decisions(StudyId id);
  // Everything that decisions depend on, as text, and the same of a coordinator freshly loaded from the store.
  std::string MemoryText();
  std::string StoreText();

 private:
  void Open();

  CoordinatorOptions options_;
  FakeClock clock_;
  MemoryStore own_store_;
  Store* store_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Owner> owner_;
  std::map<std::string, uint64_t> incarnations_;
  std::map<std::string, uint64_t> sequences_;
  std::map<std::string, std::vector<Command>> commands_;
};

}  // namespace athanor::testing
