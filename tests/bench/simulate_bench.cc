// What a scheduling decision costs: a lease given to a worker, or the verdict on a value that it reported. All that
// the coordinator does for a study is in the price: registering the workers, suggesting and creating the trials, their
// rung entries, rankings and rows, the end of those that were never promoted. Not in it: what is on either side of its
// use cases, that is the wire, the file and the training.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "server/simulate/simulation.h"

namespace athanor {
namespace {

constexpr int kSteps = 27;

// Runs without end: each trial follows one of a thousand curves that was drawn beforehand, so that the task itself
// costs nothing.
class EndlessTask final : public Task {
 public:
  EndlessTask() {
    study_.name = "endless";
    study_.objectives = {{.metric = "loss", .goal = Goal::kMinimize}};
    for (int i = 0; i < 8; ++i) {
      study_.parameters.push_back({.name = fmt::format("x{}", i), .min = 1e-4, .max = 1, .scale = Scale::kLog});
    }
    study_.trainer = {{"epochs", int64_t{kSteps}}};
    Random random(1);
    for (int i = 0; i < 1000; ++i) {
      const double last = random.Uniform();
      const double pace = 1 + random.Uniform();
      std::vector<RunPoint>& run = runs_.emplace_back();
      for (int step = 1; step <= kSteps; ++step) {
        run.push_back({step, last + 0.3 * random.Normal() / step, pace * step});
      }
    }
  }

  const std::string& name() const override { return study_.name; }
  const StudySpec& study() const override { return study_; }
  double unit_seconds() const override { return 1.5 * kSteps; }
  double optimum() const override { return 0; }
  std::span<const Target> targets() const override { return {}; }
  std::unique_ptr<Play> NewPlay() const override { return std::make_unique<EndlessPlay>(*this); }

 private:
  class EndlessPlay final : public Play {
   public:
    explicit EndlessPlay(const EndlessTask& task) : task_(task) {}
    absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearch(const StudySpec& spec,
                                                               const SearchSpace& space) override {
      return CreateSearchMethod(spec, space);
    }
    std::span<const RunPoint> RunOf(const Trial& trial) override {
      return task_.runs_[static_cast<size_t>(trial.number) % task_.runs_.size()];
    }

   private:
    const EndlessTask& task_;
  };

  StudySpec study_;
  std::vector<std::vector<RunPoint>> runs_;
};

// asha over random search; argument: workers.
void BM_AshaDecisions(benchmark::State& state) {
  const EndlessTask task;
  Policy policy;
  policy.search.method = "random";
  AshaPromotion asha;
  asha.finalists = 0;
  policy.early_stopping = asha;
  policy.budget.trials = 200'000;
  SimulationOptions options;
  options.cluster.workers = state.range(0);
  options.cut_off = 1e6;
  int64_t decisions = 0;
  for (auto _ : state) decisions += Simulate(task, policy, options, nullptr)->decisions;
  state.counters["decisions"] = benchmark::Counter(static_cast<double>(decisions), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_AshaDecisions)->Arg(25)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace athanor
