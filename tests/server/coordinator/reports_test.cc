// The path of a measurement, and how trials end. SEMANTICS sections 2 and 3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using testing::FakeHash;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SmallStudy;
using testing::TestCoordinator;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Reporting : public ::testing::Test {
 protected:
  Reporting() : study(coordinator.Create(SmallStudy("s", 4))) {
    coordinator.Register("w");
    lease = coordinator.Acquire("w").at(0);
  }

  Verdict Send(const LeaseGrant& to, std::vector<Measurement> measurements, std::optional<int64_t> resumed_step = 0) {
    TrialReport report{.lease = to.ref, .measurements = std::move(measurements)};
    if (resumed_step.has_value()) report.start = AttemptStart{*resumed_step, {}};
    return coordinator.TryReport(report).value();
  }
  // Loses the lease, which did not fail, and leases trial 0 again.
  LeaseGrant Again() {
    coordinator.Advance(std::chrono::seconds(30));
    coordinator.Register("w");
    return coordinator.Acquire("w").at(0);
  }
  std::vector<CurvePoint> Curve(const std::string& metric, Archived archived = Archived::kLeaveOut) {
    const auto curves = coordinator.store().ReadCurves(study, 0, {metric}, archived).value();
    return curves.empty() ? std::vector<CurvePoint>() : curves[0].points;
  }
  std::vector<int64_t> Steps(Archived archived = Archived::kLeaveOut) {
    std::vector<int64_t> steps;
    for (const CurvePoint& point : Curve("accuracy", archived)) steps.push_back(point.step);
    return steps;
  }

  TestCoordinator coordinator;
  StudyId study;
  LeaseGrant lease;
};

TEST_F(Reporting, BestIsOverAllStepsAndFinalIsTheLast) {
  coordinator.Report(lease, 1, 0.25);
  coordinator.Report(lease, 2, 0.75);
  coordinator.Report(lease, 3, 0.75);
  coordinator.Report(lease, 4, 0.5);
  const Trial& trial = coordinator.trial(study, 0);
  EXPECT_EQ(trial.best->value, 0.75);
  EXPECT_EQ(trial.best->step, 2);
  EXPECT_EQ(trial.final->value, 0.5);
  EXPECT_EQ(trial.final->step, 4);
  EXPECT_EQ(trial.elapsed_ms, 4000);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Reporting, NonFiniteValuesAreStoredAsTheyAreAndRankWorst) {
  coordinator.Report(lease, 1, kInfinity);
  EXPECT_EQ(coordinator.trial(study, 0).best->value, kInfinity);
  coordinator.Report(lease, 2, kNan);
  coordinator.Report(lease, 3, -1e300);
  coordinator.Report(lease, 4, -kInfinity);
  EXPECT_EQ(coordinator.trial(study, 0).best->value, -1e300);
  EXPECT_EQ(coordinator.trial(study, 0).best->step, 3);
  EXPECT_EQ(coordinator.trial(study, 0).final->value, -kInfinity);
  const auto curve = Curve("accuracy");
  ASSERT_EQ(curve.size(), 4);
  EXPECT_EQ(curve[0].value, kInfinity);
  EXPECT_TRUE(std::isnan(curve[1].value));
  EXPECT_EQ(curve[3].value, -kInfinity);
}

TEST_F(Reporting, TiesInTheRankingGoToTheLowerNumber) {
  const Grants others = coordinator.Acquire("w", 3);
  coordinator.Report(others[2], 1, 0.5);
  coordinator.Report(others[0], 1, 0.5);
  coordinator.Report(others[1], 1, kNan);
  coordinator.Report(lease, 1, 0.25);
  std::vector<TrialNumber> ranking;
  for (const auto& [value, number] : coordinator.study(study).ranking()) ranking.push_back(number);
  EXPECT_THAT(ranking, ElementsAre(1, 3, 0, 2));
}

TEST_F(Reporting, TheFirstReportMustStateTheStepItGoesOnFrom) {
  EXPECT_EQ(Send(lease, {{1, 1, {{"accuracy", 0.5}}}}, std::nullopt).status.code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Curve("accuracy"), IsEmpty());
  EXPECT_TRUE(Send(lease, {{1, 1, {{"accuracy", 0.5}}}}).status.ok());
  EXPECT_TRUE(Send(lease, {{2, 2, {{"accuracy", 0.5}}}}, std::nullopt).status.ok());
  EXPECT_EQ(Send(lease, {{3, 3, {{"accuracy", 0.5}}}}, 2).status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(coordinator.trial(study, 0).final->step, 2);
}

TEST_F(Reporting, RepeatedReportsChangeNothing) {
  ASSERT_TRUE(Send(lease, {{1, 1, {{"accuracy", 0.5}, {"loss", kNan}}}, {2, 2, {{"accuracy", 0.6}}}}).status.ok());
  const std::string before = coordinator.MemoryText();
  const Verdict repeated = Send(lease, {{1, 1, {{"loss", kNan}, {"accuracy", 0.5}}}, {2, 2, {{"accuracy", 0.6}}}});
  EXPECT_TRUE(repeated.status.ok()) << repeated.status;
  EXPECT_EQ(repeated.step, 2);
  EXPECT_EQ(repeated.action, Action::kContinue);
  EXPECT_EQ(coordinator.MemoryText(), before);
}

TEST_F(Reporting, AnotherValueForAReportedStepIsRefusedAndChangesNothing) {
  ASSERT_TRUE(Send(lease, {{1, 1, {{"accuracy", 0.5}}}}).status.ok());
  const std::string before = coordinator.MemoryText();
  const Verdict verdict = Send(lease, {{1, 1, {{"accuracy", 0.25}}}, {2, 2, {{"accuracy", 0.5}}}});
  EXPECT_EQ(verdict.status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(verdict.status.message(), HasSubstr("step 1"));
  EXPECT_EQ(coordinator.MemoryText(), before);
  EXPECT_EQ(coordinator.StoreText(), before);
}

TEST_F(Reporting, FurtherMetricsOfAReportedStepAreAddedExceptALateObjective) {
  ASSERT_TRUE(Send(lease, {{1, 1, {{"loss", 3}}}, {2, 2, {{"loss", 2}}}}).status.ok());
  EXPECT_TRUE(Send(lease, {{2, 2, {{"accuracy", 0.5}}}}).status.ok());
  EXPECT_TRUE(Send(lease, {{1, 1, {{"error", 0.7}}}}).status.ok());
  EXPECT_EQ(Send(lease, {{1, 1, {{"accuracy", 0.4}}}}).status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.trial(study, 0).final->step, 2);
  EXPECT_EQ(Curve("error").size(), 1);
  EXPECT_THAT(Steps(), ElementsAre(2));
}

TEST_F(Reporting, StepsMustBePositiveAscendAndLieBeyondWhereTheAttemptWentOn) {
  ASSERT_TRUE(Send(lease, {{1, 1, {{"accuracy", 0.1}}}, {2, 2, {{"accuracy", 0.2}}}}).status.ok());
  EXPECT_EQ(Send(lease, {{0, 0, {{"accuracy", 0.1}}}}).status.code(), absl::StatusCode::kInvalidArgument);
  const LeaseGrant again = Again();
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(Send(again, {{1, 1, {{"accuracy", 0.1}}}}, 1).status.code(), kInvalid);
  ASSERT_TRUE(Send(again, {{5, 5, {{"accuracy", 0.5}}}}, 1).status.ok());
  EXPECT_EQ(Send(again, {{4, 4, {{"accuracy", 0.4}}}}, 1).status.code(), kInvalid);
  EXPECT_EQ(Send(again, {{6, 6, {{"", 0.4}}}}, 1).status.code(), kInvalid);
  EXPECT_EQ(Send(again, {{6, 6, {{"loss", 1}, {"loss", 2}}}}, 1).status.code(), kInvalid);
}

TEST_F(Reporting, MeasurementsBeforeTheOffendingOneAreKept) {
  const Verdict verdict =
      Send(lease, {{1, 1, {{"accuracy", 0.1}}}, {3, 3, {{"accuracy", 0.3}}}, {2, 2, {{"accuracy", 0.2}}}, {4, 4, {}}});
  EXPECT_EQ(verdict.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(verdict.step, 3);
  EXPECT_THAT(Steps(), ElementsAre(1, 3));
}

TEST_F(Reporting, NothingIsStoredAfterTheMeasurementThatEndsTheTrial) {
  StudySpec spec = SmallStudy("target", 3);
  spec.budget.target = 0.9;
  spec.priority = 1;
  study = coordinator.Create(spec);
  const LeaseGrant hit = coordinator.Acquire("w").at(0);
  const Verdict verdict =
      Send(hit, {{1, 1, {{"accuracy", 0.1}}}, {2, 2, {{"accuracy", 0.95}}}, {3, 3, {{"accuracy", 1}}}});
  EXPECT_TRUE(verdict.status.ok());
  EXPECT_EQ(verdict.step, 2);
  EXPECT_EQ(verdict.action, Action::kPrune);
  EXPECT_THAT(Steps(), ElementsAre(1, 2));
  EXPECT_EQ(Send(hit, {{3, 3, {{"accuracy", 1}}}}).status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(Reporting, GoingOnFromAnEarlierStepArchivesWhatWasPastIt) {
  for (int64_t step = 1; step <= 4; ++step) coordinator.Report(lease, step, 0.1 * static_cast<double>(step));
  const LeaseGrant again = Again();
  EXPECT_EQ(coordinator.trial(study, 0).best->step, 4);
  ASSERT_TRUE(Send(again, {}, 2).status.ok());
  const Trial& trial = coordinator.trial(study, 0);
  EXPECT_EQ(trial.best->step, 2);
  EXPECT_EQ(trial.final->value, 0.2);
  EXPECT_EQ(trial.elapsed_ms, 2000);
  EXPECT_THAT(Steps(), ElementsAre(1, 2));
  ASSERT_TRUE(Send(again, {{3, 3500, {{"accuracy", 0.05}}}}, 2).status.ok());
  EXPECT_THAT(Steps(), ElementsAre(1, 2, 3));
  EXPECT_THAT(Steps(Archived::kInclude), ElementsAre(1, 2, 3, 3, 4));
  EXPECT_EQ(trial.best->step, 2);
  EXPECT_EQ(trial.final->value, 0.05);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
  const LeaseGrant third = Again();
  ASSERT_TRUE(Send(third, {}, 0).status.ok());
  EXPECT_EQ(coordinator.trial(study, 0).best, std::nullopt);
  EXPECT_EQ(coordinator.study(study).ranking().size(), 0);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

// ---- Finish ----

TEST_F(Reporting, ATrialWithoutAnyObjectiveFailsNamingWhatItReported) {
  ASSERT_TRUE(Send(lease, {{1, 1, {{"loss", 0.5}}}}).status.ok());
  const LeaseGrant again = Again();
  ASSERT_TRUE(Send(again, {{2, 2, {{"error", 0.5}}}}, 1).status.ok());
  const FinishOptions finish{.lease = again.ref, .outcome = AttemptOutcome::kCompleted};
  EXPECT_EQ(coordinator.TryFinish(finish).value(), TrialState::kFailed);
  EXPECT_THAT(coordinator.trial(study, 0).reason, HasSubstr("objective accuracy; it reported error, loss"));
  EXPECT_EQ(coordinator.TryFinish(finish).value(), TrialState::kFailed);  // the answer was lost
}

TEST_F(Reporting, ATrialWithNonFiniteValuesOnlyCompletes) {
  coordinator.Report(lease, 1, kNan);
  EXPECT_EQ(coordinator.Finish(lease), TrialState::kCompleted);
}

TEST_F(Reporting, ACompletedAttemptMustHaveStatedWhereItWentOn) {
  coordinator.Report(lease, 1, 0.5);
  const LeaseGrant again = Again();
  FinishOptions finish{.lease = again.ref, .outcome = AttemptOutcome::kCompleted};
  EXPECT_EQ(coordinator.TryFinish(finish).status().code(), absl::StatusCode::kFailedPrecondition);
  finish.start = AttemptStart{1, {}};
  EXPECT_EQ(coordinator.TryFinish(finish).value(), TrialState::kCompleted);
}

TEST_F(Reporting, ARepeatedFinishChangesNothingAndAnotherOutcomeIsRefused) {
  coordinator.Report(lease, 1, 0.5);
  EXPECT_EQ(coordinator.Finish(lease), TrialState::kCompleted);
  const std::string before = coordinator.MemoryText();
  EXPECT_EQ(coordinator.Finish(lease), TrialState::kCompleted);
  for (const AttemptOutcome outcome : {AttemptOutcome::kFailed, AttemptOutcome::kInfeasible}) {
    EXPECT_EQ(coordinator.TryFinish({.lease = lease.ref, .outcome = outcome}).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(coordinator.MemoryText(), before);
}

TEST_F(Reporting, AFinishRepeatedInTheSameGroupIsARepeat) {
  std::vector<absl::StatusOr<TrialState>> answers;
  for (int i = 0; i < 2; ++i) {
    coordinator.owner().Submit<TrialState>(
        [&](Transaction& tx) {
          return coordinator.coordinator().leases().Finish(
              tx, {.lease = lease.ref, .outcome = AttemptOutcome::kInfeasible, .reason = "diverged"});
        },
        [&](absl::StatusOr<TrialState> answer) { answers.push_back(answer); });
  }
  coordinator.owner().RunOnce();
  ASSERT_EQ(answers.size(), 2);
  for (const auto& answer : answers) EXPECT_EQ(answer.value(), TrialState::kInfeasible);
  EXPECT_EQ(coordinator.trial(study, 0).reason, "diverged");
}

TEST_F(Reporting, OutcomesThatAWorkerCannotStateAreRefused) {
  for (const AttemptOutcome outcome : {AttemptOutcome::kLive, AttemptOutcome::kPaused, AttemptOutcome::kPruned,
                                       AttemptOutcome::kCancelled, AttemptOutcome::kLost}) {
    EXPECT_EQ(coordinator.TryFinish({.lease = lease.ref, .outcome = outcome}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
}

TEST_F(Reporting, FinalMetricsOfTheBestModelAreKept) {
  coordinator.Report(lease, 1, 0.5);
  ASSERT_TRUE(
      coordinator
          .TryFinish(
              {.lease = lease.ref, .outcome = AttemptOutcome::kCompleted, .final_metrics = {{"test_accuracy", 0.875}}})
          .ok());
  const auto metrics = coordinator.store().ReadFinalMetrics(study, 0).value();
  ASSERT_EQ(metrics.size(), 1);
  EXPECT_EQ(metrics[0].name, "test_accuracy");
  EXPECT_EQ(metrics[0].value, 0.875);
}

TEST_F(Reporting, AttemptsRecordWhatRanThem) {
  TrialReport report{.lease = lease.ref};
  report.start = AttemptStart{0, {}};
  report.start->environment.device = "cpu";
  report.start->environment.dataset_hash = "abc";
  ASSERT_TRUE(coordinator.TryReport(report)->status.ok());
  const Attempt attempt = coordinator.store().ReadAttempts(study, 0)->at(0);
  EXPECT_EQ(EnvironmentOf(attempt).device, "cpu");
  EXPECT_EQ(EnvironmentOf(attempt).dataset_hash, "abc");
  EXPECT_EQ(attempt.worker, "w");
}

// ---- Checkpoints ----

TEST_F(Reporting, TheTwoNewestCheckpointsAreKeptAndOfferedNewestFirst) {
  for (const int64_t step : {1, 2, 3}) ASSERT_TRUE(coordinator.Checkpoint(lease, step).ok());
  ASSERT_TRUE(coordinator.Checkpoint(lease, 3).ok());  // a repeat
  const LeaseGrant again = Again();
  ASSERT_EQ(again.checkpoints.size(), 2);
  EXPECT_EQ(again.checkpoints[0].step, 3);
  EXPECT_EQ(again.checkpoints[1].step, 2);
  EXPECT_TRUE(coordinator.coordinator().checkpoints().CheckDownload(again.ref, again.checkpoints[1].sha256).ok());
  EXPECT_EQ(coordinator.coordinator().checkpoints().CheckDownload(again.ref, FakeHash(0)).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Reporting, ALaterCheckpointOfTheSameStepReplacesTheEarlier) {
  ASSERT_TRUE(coordinator.Checkpoint(lease, 1).ok());
  const auto upload = [&](const std::string& hash, int64_t step, int64_t size) {
    return coordinator.Run([&](Transaction& tx) {
      return coordinator.coordinator().checkpoints().Register(tx, lease.ref,
                                                              {.step = step, .sha256 = hash, .size_bytes = size});
    });
  };
  ASSERT_TRUE(upload(FakeHash(77), 1, 5).ok());
  ASSERT_EQ(coordinator.study(study).checkpoints(0).size(), 1);
  EXPECT_EQ(coordinator.study(study).checkpoints(0)[0].sha256, FakeHash(77));
  EXPECT_EQ(upload("short", 1, 5).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(upload(FakeHash(1), -1, 5).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(upload(FakeHash(1), 1, 0).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Reporting, AFinishedTrialKeepsACheckpointOnlyIfItIsBestOrMayBeRetried) {
  const Grants others = coordinator.Acquire("w", 3);
  for (const LeaseGrant& grant : {lease, others[0], others[1], others[2]}) {
    ASSERT_TRUE(coordinator.Checkpoint(grant, 1).ok());
    ASSERT_TRUE(coordinator.Checkpoint(grant, 2).ok());
  }
  coordinator.Report(lease, 9, 0.5);
  coordinator.Finish(lease);
  EXPECT_EQ(coordinator.study(study).checkpoints(0).size(), 1);
  coordinator.Report(others[0], 9, 0.75);  // pushes trial 0 out of the best
  coordinator.Finish(others[0]);
  EXPECT_THAT(coordinator.study(study).checkpoints(0), IsEmpty());
  EXPECT_EQ(coordinator.study(study).checkpoints(1).size(), 1);
  coordinator.Finish(others[1], AttemptOutcome::kInfeasible);
  EXPECT_THAT(coordinator.study(study).checkpoints(2), IsEmpty());
  ASSERT_TRUE(coordinator.Cancel(study, 3).ok());
  EXPECT_EQ(coordinator.study(study).checkpoints(3).size(), 1);
  EXPECT_THAT(coordinator.coordinator().checkpoints().Hashes(), Not(IsEmpty()));
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

}  // namespace
}  // namespace athanor
