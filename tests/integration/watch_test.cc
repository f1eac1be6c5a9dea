// A watch over a network that fails goes on where it stood.
#include <signal.h>

#include <algorithm>
#include <vector>

#include "tests/integration/network_fixture.h"

namespace athanor {
namespace {

using enum testing::FaultProxy::Direction;
using std::chrono::seconds;

constexpr char kRungs[] =
    "early_stopping: {method: asha_stopping, min_resource: 1, max_resource: 8, reduction_factor: 2}\n";

class WatchTest : public NetworkFixture {
 protected:
  // Watches `study` to its end through the network. `disturb(n)` runs after the n-th snapshot, from 1. Returns the
  // revisions of the decisions in the order in which they came.
  template <typename Disturb>
  std::vector<int64_t> Watch(const std::string& study, Disturb disturb) {
    StudyClientOptions options;
    options.coordinator = network_->address();
    options.keepalive_interval = seconds(5);
    options.keepalive_timeout = seconds(1);
    StudyClient client(options);
    v1::WatchStudyRequest request;
    request.set_study(study);
    request.set_min_interval_ms(50);
    const auto watch = client.WatchStudy(request);
    std::vector<int64_t> revisions;
    for (int snapshots = 1;; ++snapshots) {
      const auto snapshot = watch->Next();
      EXPECT_TRUE(snapshot.ok()) << snapshot.status();
      if (!snapshot.ok() || !snapshot->has_value()) return revisions;
      for (const v1::Decision& decision : (*snapshot)->decisions()) revisions.push_back(decision.revision());
      disturb(snapshots);
    }
  }

  // Of every decision that the study took, in order.
  std::vector<int64_t> Decisions(const std::string& study, int64_t trials) {
    std::vector<int64_t> revisions;
    for (int64_t number = 0; number < trials; ++number) {
      const auto trial = client_->GetTrial(study, number);
      EXPECT_TRUE(trial.ok()) << trial.status();
      if (!trial.ok()) continue;
      for (const v1::Decision& decision : trial->decisions()) revisions.push_back(decision.revision());
    }
    std::ranges::sort(revisions);
    return revisions;
  }
};

TEST_F(WatchTest, ShowsEveryDecisionOnceAlthoughItsConnectionIsReset) {
  StartWorker("near", cluster_.address(), "step_ms=10");
  Submit("s", 20, 8, kRungs);
  const auto seen = Watch("s", [&](int snapshots) {
    if (snapshots % 4 == 0) network_->Reset();
  });
  EXPECT_GT(seen.size(), 20u);
  EXPECT_EQ(seen, Decisions("s", 20));
  EXPECT_GE(network_->statistics().accepted, 3);
}

TEST_F(WatchTest, LeavesAHalfOpenConnectionAndGoesOn) {
  StartWorker("near", cluster_.address(), "step_ms=10");
  Submit("s", 20, 8, kRungs);
  const auto seen = Watch("s", [&](int snapshots) {
    if (snapshots != 2) return;
    network_->Swallow(kFromTarget);
    ASSERT_TRUE(Until([&] { return network_->statistics().swallowed > 0; }));
    network_->Heal();
  });
  EXPECT_EQ(seen, Decisions("s", 20));
  EXPECT_EQ(network_->statistics().accepted, 2);
}

TEST_F(WatchTest, OutlivesARestartOfTheCoordinator) {
  StartWorker("near", cluster_.address(), "step_ms=10");
  Submit("s", 20, 8, kRungs);
  const auto seen = Watch("s", [&](int snapshots) {
    if (snapshots != 3) return;
    cluster_.server().Signal(SIGKILL);
    cluster_.server().Wait(seconds(10));
    cluster_.StartServer({"--lease", "3s", "--heartbeat", "700ms"});
  });
  EXPECT_EQ(seen, Decisions("s", 20));
}

}  // namespace
}  // namespace athanor
