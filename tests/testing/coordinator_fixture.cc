#include "tests/testing/coordinator_fixture.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "tests/testing/state_text.h"

namespace athanor::testing {
namespace {

RequestKey Key(const std::string& id, const std::string& method, const std::string& fingerprint) {
  return {id, method, fingerprint};
}

// The state of a trial that a use case answered with.
absl::StatusOr<TrialState> StateOf(const absl::StatusOr<FoundTrial>& found) {
  if (!found.ok()) return found.status();
  return found->study->trial(found->number).state;
}

}  // namespace

StudySpec SmallStudy(const std::string& name, int64_t trials) {
  StudySpec spec;
  spec.name = name;
  spec.objectives = {{"accuracy", Goal::kMaximize}};
  spec.parameters = {
      {.name = "learning_rate", .type = ParameterType::kFloat, .min = 1e-4, .max = 1.0, .scale = Scale::kLog}};
  spec.search = {"random", 42};
  spec.budget.trials = trials;
  spec.trainer["epochs"] = int64_t{9};
  return spec;
}

StudySpec SmallGrid(const std::string& name) {
  StudySpec spec = SmallStudy(name, 1);
  spec.parameters = {
      {.name = "batch_size", .type = ParameterType::kCategorical, .values = {int64_t{16}, int64_t{32}, int64_t{64}}},
      {.name = "optimizer", .type = ParameterType::kCategorical, .values = {std::string("sgd"), std::string("adam")}}};
  spec.search.method = "grid";
  spec.budget.trials.reset();
  return spec;
}

StudySpec AshaStudy(const std::string& name, int64_t trials, int64_t finalists) {
  StudySpec spec = SmallStudy(name, trials);
  AshaPromotion asha;
  asha.max_resource = 9;
  asha.finalists = finalists;
  spec.early_stopping = asha;
  return spec;
}

StudySpec AshaStoppingStudy(const std::string& name, int64_t trials) {
  StudySpec spec = SmallStudy(name, trials);
  AshaStopping asha;
  asha.max_resource = 9;
  spec.early_stopping = asha;
  return spec;
}

std::string FakeHash(int64_t number) { return absl::StrFormat("%064x", number); }

TestCoordinator::TestCoordinator(CoordinatorOptions options, Store* store)
    : options_(options), store_(store == nullptr ? &own_store_ : store) {
  Open();
}

TestCoordinator::~TestCoordinator() = default;

void TestCoordinator::Open() {
  owner_.reset();
  coordinator_ = std::make_unique<Coordinator>(*store_, options_);
  const absl::Status loaded = coordinator_->Load(clock_.Read().monotonic);
  EXPECT_TRUE(loaded.ok()) << loaded;
  owner_ = std::make_unique<Owner>(*store_, *coordinator_, clock_);
}

void TestCoordinator::Reopen() { Open(); }

// ---- Studies ----

absl::StatusOr<StudyId> TestCoordinator::TryCreate(StudySpec spec, const std::string& request_id,
                                                   const std::string& fingerprint) {
  return Run([&](Transaction& tx) -> absl::StatusOr<StudyId> {
    ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study,
                             coordinator_->studies().Create(tx, spec, Key(request_id, "CreateStudy", fingerprint)));
    return study->id();
  });
}

StudyId TestCoordinator::Create(StudySpec spec) {
  const auto id = TryCreate(std::move(spec));
  EXPECT_TRUE(id.ok()) << id.status();
  return id.value_or(0);
}

absl::Status TestCoordinator::Steer(StudyVerb verb, StudyId study) {
  return Run([&](Transaction& tx) { return (coordinator_->studies().*verb)(tx, absl::StrCat(study), {}); }).status();
}

absl::StatusOr<TrialState> TestCoordinator::Retry(StudyId study, TrialNumber trial, const std::string& request_id) {
  return Run([&](Transaction& tx) {
    return StateOf(coordinator_->trials().Retry(tx, absl::StrCat(study), trial,
                                                Key(request_id, "RetryTrial", absl::StrCat(study, "/", trial))));
  });
}

absl::StatusOr<TrialState> TestCoordinator::Cancel(StudyId study, TrialNumber trial, const std::string& request_id) {
  return Run([&](Transaction& tx) {
    return StateOf(coordinator_->trials().Cancel(tx, absl::StrCat(study), trial,
                                                 Key(request_id, "CancelTrial", absl::StrCat(study, "/", trial))));
  });
}

absl::StatusOr<int64_t> TestCoordinator::Enqueue(StudyId study, const NamedValues& parameters,
                                                 const std::string& request_id) {
  return Run([&](Transaction& tx) {
    return coordinator_->trials().Enqueue(tx, absl::StrCat(study), parameters,
                                          Key(request_id, "EnqueueTrial", absl::StrCat(study)));
  });
}

// ---- Workers ----

absl::Status TestCoordinator::TryRegister(const Registration& registration) {
  return Run([&](Transaction& tx) { return coordinator_->leases().Register(tx, registration); }).status();
}

void TestCoordinator::Register(const std::string& worker, uint64_t incarnation,
                               const std::function<void(WorkerRecord&)>& change) {
  Registration registration;
  registration.protocol_version = kProtocolVersion;
  registration.worker.name = worker;
  registration.worker.incarnation = incarnation;
  registration.worker.host = "host";
  registration.worker.slots = 1;
  if (change) change(registration.worker);
  const absl::Status status = TryRegister(registration);
  EXPECT_TRUE(status.ok()) << status;
  if (incarnations_[worker] != incarnation) sequences_[worker] = 0;
  incarnations_[worker] = incarnation;
}

void TestCoordinator::OpenStream(const std::string& worker) {
  const auto opened = coordinator_->leases().OpenStream(
      worker, incarnation(worker), [this, worker](const Command& command) { commands_[worker].push_back(command); });
  EXPECT_TRUE(opened.ok()) << opened.status();
}

AcquireOptions TestCoordinator::NextAcquire(const std::string& worker, int max_trials) {
  return {.worker = worker,
          .incarnation = incarnation(worker),
          .sequence = ++sequences_[worker],
          .max_trials = max_trials,
          .wait = Duration(0)};
}

absl::StatusOr<Grants> TestCoordinator::TryAcquire(const AcquireOptions& options) {
  return Run([&](Transaction& tx) { return coordinator_->dispatch().AcquireNow(tx, options); });
}

Grants TestCoordinator::Acquire(const std::string& worker, int max_trials) {
  const auto grants = TryAcquire(NextAcquire(worker, max_trials));
  EXPECT_TRUE(grants.ok()) << grants.status();
  return grants.value_or(Grants());
}

std::shared_ptr<Poll> TestCoordinator::Park(const std::string& worker, Duration wait, int max_trials) {
  auto poll = std::make_shared<Poll>();
  AcquireOptions options = NextAcquire(worker, max_trials);
  options.wait = wait;
  const absl::Status status = Run([&](Transaction& tx) {
    poll->id = coordinator_->dispatch().Acquire(tx, options, [poll](absl::StatusOr<Grants> grants) {
      EXPECT_FALSE(poll->answer.has_value()) << "a long poll was answered twice";
      poll->answer = std::move(grants);
    });
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return poll;
}

absl::StatusOr<HeartbeatAnswer> TestCoordinator::Heartbeat(const std::string& worker,
                                                           const std::vector<LeaseRef>& leases) {
  return Run(
      [&](Transaction& tx) { return coordinator_->leases().Heartbeat(tx, worker, incarnation(worker), leases, {}); });
}

void TestCoordinator::HeartbeatAll() {
  for (const auto& [worker, incarnation] : incarnations_) {
    const auto& held = coordinator_->state().workers.at(worker).held;
    const auto answer = Heartbeat(worker, std::vector(held.begin(), held.end()));
    EXPECT_TRUE(answer.ok()) << answer.status();
  }
}

// ---- Trials under a lease ----

absl::StatusOr<Verdict> TestCoordinator::TryReport(const TrialReport& report) {
  return Run([&](Transaction& tx) -> absl::StatusOr<Verdict> { return coordinator_->reports().Report(tx, report); });
}

Action TestCoordinator::Report(const LeaseGrant& lease, int64_t step, double value) {
  TrialReport report;
  report.lease = lease.ref;
  report.start = AttemptStart{lease.checkpoints.empty() ? 0 : lease.checkpoints.front().step, {}};
  report.measurements = {{step, step * 1000, {{lease.objective.metric, value}}}};
  const auto verdict = TryReport(report);
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  if (!verdict.ok()) return Action::kContinue;
  EXPECT_TRUE(verdict->status.ok()) << verdict->status;
  return verdict->action;
}

absl::Status TestCoordinator::Checkpoint(const LeaseGrant& lease, int64_t step) {
  return Run([&](Transaction& tx) {
    const athanor::Checkpoint checkpoint{
        .step = step, .sha256 = FakeHash(lease.ref.token * 1'000'000 + step), .size_bytes = 10};
    return coordinator_->checkpoints().Register(tx, lease.ref, checkpoint);
  });
}

absl::StatusOr<TrialState> TestCoordinator::TryFinish(const FinishOptions& options) {
  return Run([&](Transaction& tx) { return coordinator_->leases().Finish(tx, options); });
}

TrialState TestCoordinator::Finish(const LeaseGrant& lease, AttemptOutcome outcome) {
  FinishOptions options;
  options.lease = lease.ref;
  options.outcome = outcome;
  options.reason = "as the test says";
  options.start = AttemptStart{lease.checkpoints.empty() ? 0 : lease.checkpoints.front().step, {}};
  const auto state = TryFinish(options);
  EXPECT_TRUE(state.ok()) << state.status();
  return state.value_or(TrialState::kWaiting);
}

TrialState TestCoordinator::Train(const LeaseGrant& lease, const std::function<double(int64_t)>& values) {
  const int64_t first = lease.checkpoints.empty() ? 1 : lease.checkpoints.front().step + 1;
  const std::set<int64_t> holds(lease.hold_at.begin(), lease.hold_at.end());
  for (int64_t step = first; step <= lease.until_step; ++step) {
    if (holds.contains(step)) {
      EXPECT_TRUE(Checkpoint(lease, step).ok());
    }
    if (Report(lease, step, values(step)) != Action::kContinue) return state(lease.ref.study, lease.ref.trial);
  }
  return Finish(lease);
}

// ---- Time ----

absl::Status TestCoordinator::Tick() {
  return Run([&](Transaction& tx) {
    coordinator_->Tick(tx);
    return absl::OkStatus();
  });
}

void TestCoordinator::Advance(Duration passed) {
  clock_.Advance(passed);
  const absl::Status status = Tick();
  EXPECT_TRUE(status.ok()) << status;
}

// ---- Facts ----

std::vector<DecisionRecord> TestCoordinator::Decisions(StudyId id) {
  const auto decisions = store_->ReadDecisions(id, std::nullopt, 0, 1'000'000);
  EXPECT_TRUE(decisions.ok()) << decisions.status();
  return decisions.value_or(std::vector<DecisionRecord>());
}

std::string TestCoordinator::MemoryText() { return StateText(coordinator_->state()); }

std::string TestCoordinator::StoreText() {
  Coordinator fresh(*store_, options_);
  const absl::Status loaded = fresh.Load(clock_.Read().monotonic);
  EXPECT_TRUE(loaded.ok()) << loaded;
  return StateText(fresh.state());
}

}  // namespace athanor::testing
