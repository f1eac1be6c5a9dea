#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/simulate/simulation.h"
#include "tests/server/simulate/tables.h"

namespace athanor {
namespace {

using testing::InOrder;
using testing::Table;

// 40 runs of four steps, a unit each. A lease ends by a loss with probability 0.3.
class LostWorkersTest : public ::testing::Test {
 protected:
  LostWorkersTest() : task_(Table(std::vector<std::vector<double>>(40, {4, 3, 2, 1}))) {
    options_.cluster.workers = 3;
    options_.cluster.loss_rate = 0.3;
    options_.cluster.lease_units = 0.125;
  }

  SimulationResult Run(const Policy& policy = InOrder()) { return Simulate(*task_, policy, options_, &log_).value(); }
  int64_t CountInLog(const std::string& text) const {
    int64_t count = 0;
    for (size_t at = log_.find(text); at != std::string::npos; at = log_.find(text, at + 1)) ++count;
    return count;
  }

  const std::unique_ptr<RecordedTask> task_;
  SimulationOptions options_;
  std::string log_;
};

TEST_F(LostWorkersTest, TheirTrialsGoBackToTheQueueWhenTheLeaseExpires) {
  const SimulationResult result = Run();
  EXPECT_EQ(result.trials, 40);
  EXPECT_EQ(result.completed, 40);
  const int64_t lost = result.leases - result.trials;
  EXPECT_GT(lost, 5);  // 40 * 0.3 / 0.7 = 17 are to be expected
  EXPECT_LT(lost, 40);
  EXPECT_EQ(CountInLog(" LOST at "), lost);
  EXPECT_EQ(CountInLog(" COMPLETED at "), 40);
  EXPECT_NEAR(result.silent, 0.125 * static_cast<double>(lost), 1e-6);
  EXPECT_GT(result.steps, 160);  // what was lost is trained again
  EXPECT_NEAR(result.busy + result.silent + result.idle, 3 * result.end, 1e-6);
}

TEST_F(LostWorkersTest, TheirTrialsAreNeverSeenAgainIfDropped) {
  options_.cluster.lost_trials = LostTrials::kDrop;
  const SimulationResult result = Run();
  EXPECT_EQ(result.trials, 40);
  EXPECT_EQ(result.leases, 40);
  EXPECT_EQ(CountInLog(" LOST at "), 0);
  EXPECT_EQ(CountInLog(" CANCELLED at "), 40 - result.completed);
  EXPECT_LT(result.completed, 38);
  EXPECT_GT(result.completed, 18);
}

// What had been paused at a rung is not trained again.
TEST_F(LostWorkersTest, TrialsGoOnFromTheirLastRung) {
  AshaPromotion asha;
  asha.reduction_factor = 2;
  asha.min_resource = 2;
  asha.finalists = 0;
  Run(InOrder(asha));
  // An attempt that was promoted from the rung at 2 says so, also when it is the second after a loss.
  EXPECT_GT(CountInLog(" LOST at "), 0);
  EXPECT_GE(CountInLog(" from step 2\n"), CountInLog(" promoted\n"));
  EXPECT_EQ(CountInLog(" from step 1\n") + CountInLog(" from step 3\n"), 0);
}

// 1 - (1 - p)^t: of 2,000 runs of one unit about 30% are hit.
TEST_F(LostWorkersTest, AreLostAsOftenAsAsked) {
  const auto task = Table(std::vector<std::vector<double>>(2000, {1}));
  options_.cluster.lost_trials = LostTrials::kDrop;
  options_.cut_off = 1e5;
  const auto result = Simulate(*task, InOrder(), options_, nullptr).value();
  EXPECT_NEAR(static_cast<double>(2000 - result.completed) / 2000, 0.3, 0.041);  // four standard errors
}

}  // namespace
}  // namespace athanor
