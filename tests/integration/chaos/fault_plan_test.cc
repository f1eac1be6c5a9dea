#include "tests/integration/chaos/fault_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace athanor::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr PlanOptions kOptions{.seed = 1, .workers = 4, .driven = 2, .length = minutes(30), .lease = seconds(2)};

auto Key(const Fault& fault) { return std::tuple(fault.kind, fault.target, fault.begin, fault.length); }

TEST(FaultPlanTest, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto plan = MakePlan(kOptions);
  EXPECT_TRUE(std::ranges::equal(plan, MakePlan(kOptions), {}, Key, Key));
  PlanOptions other = kOptions;
  other.seed = 2;
  EXPECT_FALSE(std::ranges::equal(plan, MakePlan(other), {}, Key, Key));
}

TEST(FaultPlanTest, HoldsEveryKindWithinTheBoundsAskedFor) {
  std::set<FaultKind> kinds;
  Duration last{};
  for (const Fault& fault : MakePlan(kOptions)) {
    kinds.insert(fault.kind);
    EXPECT_GE(fault.begin, last);
    // A kill of its own waits until everybody is back.
    EXPECT_LT(fault.begin, kOptions.length + 3 * kOptions.lease + seconds(1));
    EXPECT_LE(fault.length, 2 * kOptions.lease);
    const bool network = fault.kind >= FaultKind::kPartition;
    EXPECT_GE(fault.target, kCoordinator);
    EXPECT_LT(fault.target, kOptions.workers + (network ? kOptions.driven : 0));
    EXPECT_EQ(fault.target == kCoordinator,
              fault.kind == FaultKind::kKillCoordinator || fault.kind == FaultKind::kStopCoordinator);
    last = fault.begin;
  }
  EXPECT_EQ(kinds.size(), static_cast<size_t>(kFaultKinds));
}

TEST(FaultPlanTest, StrikesNoTargetTwiceAtOnce) {
  std::map<int, Duration> over;
  for (const Fault& fault : MakePlan(kOptions)) {
    EXPECT_GE(fault.begin, over[fault.target]) << ToString(fault.kind);
    over[fault.target] = fault.begin + fault.length;
  }
}

TEST(FaultPlanTest, LeavesEverySixthFaultAloneForLongerThanALease) {
  const auto plan = MakePlan(kOptions);
  ASSERT_GT(plan.size(), 60u);
  for (size_t i = 5; i + 1 < plan.size(); i += 6) {
    EXPECT_EQ(plan[i].kind, FaultKind::kKillWorker);
    EXPECT_GT(plan[i].length, kOptions.lease + milliseconds(1999));
    EXPECT_GT(plan[i + 1].begin, plan[i].begin + plan[i].length);
    for (size_t before = 0; before < i; ++before) {
      EXPECT_GE(plan[i].begin, plan[before].begin + plan[before].length + kOptions.lease);
    }
  }
}

}  // namespace
}  // namespace athanor::chaos
