#include "tests/integration/chaos/fault_plan.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/random.h"

namespace athanor::chaos {
namespace {

using std::chrono::milliseconds;
using enum FaultKind;

constexpr int kFaultsPerLoneKill = 6;

struct Kind {
  FaultKind kind;
  std::string_view name;
  uint64_t weight;
  // Of a lease: how long it lasts.
  double shortest;
  double longest;
};
constexpr std::array<Kind, kFaultKinds> kKinds = {{
    {kKillCoordinator, "kill coordinator", 4, 0, 1},
    {kStopCoordinator, "stop coordinator", 2, 0.2, 1.5},
    {kKillWorker, "kill worker", 5, 0, 2},
    {kStopWorker, "stop worker", 4, 0.2, 2},
    {kKillTrainer, "kill trainer", 3, 0, 0},
    {kStopTrainer, "stop trainer", 2, 0.2, 1},
    {kPartition, "partition", 3, 0.5, 2},
    {kCutToCoordinator, "cut to coordinator", 2, 0.5, 2},
    {kCutFromCoordinator, "cut from coordinator", 2, 0.5, 2},
    {kDelay, "delay", 2, 0.5, 2},
    {kSlow, "slow", 1, 0.5, 2},
    {kRefuse, "refuse", 1, 0.2, 1},
    {kReset, "reset", 3, 0, 0},
    {kClose, "close", 1, 0, 0},
}};

const Kind& Of(FaultKind kind) { return kKinds[static_cast<size_t>(kind)]; }

bool StrikesNetwork(FaultKind kind) { return kind >= kPartition; }
bool StrikesCoordinator(FaultKind kind) { return kind == kKillCoordinator || kind == kStopCoordinator; }

FaultKind DrawKind(Random& random) {
  uint64_t total = 0;
  for (const Kind& kind : kKinds) total += kind.weight;
  uint64_t drawn = random.Below(total);
  auto kind = kKinds.begin();
  for (; drawn >= kind->weight; ++kind) drawn -= kind->weight;
  return kind->kind;
}

Duration Between(Random& random, Duration shortest, Duration longest) {
  return shortest + Duration(random.Below(static_cast<uint64_t>((longest - shortest).count()) + 1));
}

}  // namespace

std::string_view ToString(FaultKind kind) { return Of(kind).name; }

std::vector<Fault> MakePlan(const PlanOptions& options) {
  Random random({options.seed, HashString("faults")});
  const auto share = [&](double of_lease) {
    return Duration(static_cast<Duration::rep>(of_lease * static_cast<double>(options.lease.count())));
  };
  std::vector<Fault> plan;
  std::vector<Duration> busy_until(static_cast<size_t>(options.workers + options.driven));
  Duration coordinator_busy_until{};
  for (Duration now = milliseconds(500); now < options.length;) {
    Fault fault;
    const bool alone = plan.size() % kFaultsPerLoneKill == kFaultsPerLoneKill - 1;
    if (alone) {
      // When all is quiet, and has been for long enough that everybody is back.
      now = std::max({now, coordinator_busy_until, *std::ranges::max_element(busy_until)}) + options.lease;
      fault = {kKillWorker, static_cast<int>(random.Below(static_cast<uint64_t>(options.workers))), now,
               options.lease + std::chrono::seconds(2)};
    } else {
      const FaultKind kind = DrawKind(random);
      const int targets = options.workers + (StrikesNetwork(kind) ? options.driven : 0);
      const int target = static_cast<int>(random.Below(static_cast<uint64_t>(targets)));
      fault = {kind, StrikesCoordinator(kind) ? kCoordinator : target, now,
               Between(random, share(Of(kind).shortest), share(Of(kind).longest))};
    }
    Duration& busy =
        fault.target == kCoordinator ? coordinator_busy_until : busy_until[static_cast<size_t>(fault.target)];
    const Duration pause = Between(random, milliseconds(100), milliseconds(1200));
    if (fault.begin >= busy) {
      busy = fault.begin + fault.length + milliseconds(200);
      plan.push_back(fault);
    }
    now += alone ? fault.length + milliseconds(500) : pause;
  }
  return plan;
}

}  // namespace athanor::chaos
