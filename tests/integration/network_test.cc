// The network between a worker and its coordinator fails; the study does not.
#include "tests/integration/network_fixture.h"

namespace athanor {
namespace {

using std::chrono::milliseconds;
using Network = testing::FaultProxy;
using enum testing::FaultProxy::Direction;

enum class Where { kBothWays, kToCoordinator, kFromCoordinator };

const auto kEverywhere = ::testing::Values(Where::kBothWays, Where::kToCoordinator, Where::kFromCoordinator);
std::string NameOf(const ::testing::TestParamInfo<Where>& info) {
  if (info.param == Where::kBothWays) return "BothWays";
  return info.param == Where::kToCoordinator ? "ToCoordinator" : "FromCoordinator";
}

void Partition(Network& network, Where where) {
  if (where != Where::kFromCoordinator) network.Hold(kToTarget);
  if (where != Where::kToCoordinator) network.Hold(kFromTarget);
}

void Forget(Network& network, Where where) {
  if (where != Where::kFromCoordinator) network.Swallow(kToTarget);
  if (where != Where::kToCoordinator) network.Swallow(kFromTarget);
}

// The steps of the only trial, each exactly once: what counts has no hole and no repetition.
void ExpectEveryStepOnce(StudyClient& client, const std::string& study, int64_t epochs) {
  v1::GetCurveRequest request;
  request.set_study(study);
  request.add_metrics("val_accuracy");
  const auto curve = client.GetCurve(request);
  ASSERT_TRUE(curve.ok()) << curve.status();
  ASSERT_EQ(curve->metrics_size(), 1);
  ASSERT_EQ(curve->metrics(0).steps_size(), epochs);
  for (int i = 0; i < epochs; ++i) EXPECT_EQ(curve->metrics(0).steps(i), i + 1);
}

class PartitionTest : public NetworkFixture, public ::testing::WithParamInterface<Where> {};

INSTANTIATE_TEST_SUITE_P(Cut, PartitionTest, kEverywhere, NameOf);

TEST_P(PartitionTest, OfHalfALeaseCostsNothing) {
  StartWorker("near", network_->address(), "step_ms=100");
  Submit("s", 1, 40);
  ASSERT_TRUE(UntilStep("s", 3)) << cluster_.Logs();
  Partition(*network_, GetParam());
  std::this_thread::sleep_for(kLease / 2);
  network_->Heal();
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  EXPECT_EQ(Attempts(Trial("s")), 1) << cluster_.Logs();
  ExpectEveryStepOnce(*client_, "s", 40);
}

TEST_P(PartitionTest, OfOneLeaseLosesNoStepWhoeverHasTheTrialAfterwards) {
  StartWorker("near", network_->address(), "step_ms=100");
  Submit("s", 1, 60);
  ASSERT_TRUE(UntilStep("s", 3)) << cluster_.Logs();
  StartWorker("far", cluster_.address(), "step_ms=20");
  Partition(*network_, GetParam());
  std::this_thread::sleep_for(kLease);
  network_->Heal();
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  EXPECT_LE(Attempts(Trial("s")), 2) << cluster_.Logs();
  ExpectEveryStepOnce(*client_, "s", 60);
}

TEST_P(PartitionTest, OfTwoLeasesMovesTheTrialAndFencesOffWhatComesLate) {
  StartWorker("near", network_->address(), "step_ms=150");
  Submit("s", 1, 60);
  ASSERT_TRUE(UntilStep("s", 3)) << cluster_.Logs();
  Partition(*network_, GetParam());
  StartWorker("far", cluster_.address(), "step_ms=1");
  std::this_thread::sleep_for(2 * kLease);
  // The partitioned worker trains on meanwhile, and has much to tell.
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  const v1::TrialDetail trial = Trial("s");
  ASSERT_EQ(Attempts(trial), 2) << trial.DebugString();
  EXPECT_EQ(trial.attempts(0).worker(), "near");
  EXPECT_EQ(trial.attempts(0).outcome(), v1::ATTEMPT_OUTCOME_LOST);
  EXPECT_EQ(trial.attempts(1).worker(), "far");
  const std::string before = Bytes("s");
  ExpectEveryStepOnce(*client_, "s", 60);

  network_->Heal();
  ASSERT_TRUE(UntilHeardOf("near")) << cluster_.Logs();
  // That it trains another trial shows that it has let go of the old one, and said all it had to say of it.
  Submit("next", 1, 3, "requires: {labels: {name: near}}\n");
  ASSERT_TRUE(UntilCompleted("next")) << cluster_.Logs();
  EXPECT_EQ(Bytes("s"), before);
}

class HalfOpenTest : public NetworkFixture, public ::testing::WithParamInterface<Where> {};

INSTANTIATE_TEST_SUITE_P(Cut, HalfOpenTest, kEverywhere, NameOf);

TEST_P(HalfOpenTest, ConnectionIsLeftBeforeTheLeaseRunsOut) {
  StartWorker("near", network_->address(), "step_ms=100");
  Submit("s", 1, 60);
  ASSERT_TRUE(UntilStep("s", 3)) << cluster_.Logs();
  Forget(*network_, GetParam());
  ASSERT_TRUE(Until([&] { return network_->statistics().swallowed > 0; }));
  network_->Heal();  // the old connection stays deaf
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  EXPECT_EQ(Attempts(Trial("s")), 1) << cluster_.Logs();
  EXPECT_GE(network_->statistics().accepted, 2);
  ExpectEveryStepOnce(*client_, "s", 60);
}

TEST_P(HalfOpenTest, IdleWorkerIsBackForTheNextTrial) {
  StartWorker("near", network_->address(), "step_ms=1");
  ASSERT_TRUE(UntilHeardOf("near")) << cluster_.Logs();
  Forget(*network_, GetParam());
  ASSERT_TRUE(Until([&] { return network_->statistics().swallowed > 0; }));
  network_->Heal();
  Submit("s", 1, 3);
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  ExpectEveryStepOnce(*client_, "s", 3);
}

class ConnectionTest : public NetworkFixture {};

TEST_F(ConnectionTest, LongPollIsAskedAgainAfterEveryReset) {
  StartWorker("near", network_->address(), "step_ms=1");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(UntilHeardOf("near")) << cluster_.Logs();
    network_->Reset();
    const std::string name = "s" + std::to_string(i);
    Submit(name, 1, 3);
    ASSERT_TRUE(UntilCompleted(name)) << cluster_.Logs();
    EXPECT_LE(Attempts(Trial(name)), 2);
  }
}

TEST_F(ConnectionTest, ResetsAndRefusalsInMidTrialCostNoAttempt) {
  StartWorker("near", network_->address(), "step_ms=50");
  Submit("s", 1, 80);
  for (int64_t step = 10; step <= 40; step += 10) {
    ASSERT_TRUE(UntilStep("s", step)) << cluster_.Logs();
    network_->Refuse();
    network_->Reset();
    std::this_thread::sleep_for(milliseconds(200));
    network_->Heal();
  }
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  EXPECT_EQ(Attempts(Trial("s")), 1) << cluster_.Logs();
  ExpectEveryStepOnce(*client_, "s", 80);
}

TEST_F(ConnectionTest, SlowAndDistantCoordinatorIsGoodEnough) {
  for (const auto direction : {kToTarget, kFromTarget}) {
    network_->Delay(direction, milliseconds(150));
    network_->Limit(direction, 50'000);
  }
  StartWorker("near", network_->address(), "step_ms=20");
  Submit("s", 1, 60);
  ASSERT_TRUE(UntilCompleted("s")) << cluster_.Logs();
  EXPECT_EQ(Attempts(Trial("s")), 1) << cluster_.Logs();
  ExpectEveryStepOnce(*client_, "s", 60);
}

}  // namespace
}  // namespace athanor
