#include "tests/integration/chaos/studies.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/integration/chaos/driver.h"

namespace athanor::chaos {
namespace {

constexpr char kSpace[] = R"(parameters:
  learning_rate: {type: float, min: 1e-4, max: 1.0, scale: log}
  optimizer:     {type: categorical, values: [sgd, adam]}
  momentum:      {type: float, min: 0.0, max: 0.99, when: {optimizer: [sgd]}}
)";

// What all of them have in common. A trainer that was killed is no failure of the configuration.
ChaosStudy Make(const std::string& name, const std::string& kind, Promise promise, int parallel,
                const std::string& metric, const std::string& rest) {
  return {name, kind, promise, parallel,
          fmt::format("name: {}\nobjective: {{metric: {}, goal: maximize}}\nrequires: {{labels: {{kind: {}}}}}\n"
                      "retry: {{max_attempts: 1000, stall_timeout: 3s}}\ncheckpoint: {{interval: 400ms}}\n{}",
                      name, metric, kind, rest)};
}

std::string Budget(int64_t trials, int parallel) {
  return fmt::format("budget: {{trials: {}, parallel: {}}}\n", trials, parallel);
}

}  // namespace

std::vector<ChaosStudy> MakeStudies(uint64_t seed, double scale, Torch torch) {
  using enum Promise;
  const auto scaled = [&](int64_t trials) {
    return std::max<int64_t>(2, static_cast<int64_t>(static_cast<double>(trials) * scale));
  };
  const int64_t search_seed = static_cast<int64_t>(seed % 1'000'000);
  const std::string space = fmt::format("{}search: {{method: random, seed: {}}}\n", kSpace, search_seed);
  std::vector<ChaosStudy> studies;
  studies.push_back(
      Make("grid", kSyntheticKind, kSameTrials, 2, "val_accuracy",
           fmt::format("parameters:\n  batch_size: {{type: categorical, values: [16, 32, 64]}}\n"
                       "  hidden_units: {{type: int, min: 1, max: {}}}\nsearch: {{method: grid, seed: {}}}\n"
                       "budget: {{parallel: 2}}\ntrainer: {{model: mlp, epochs: 20}}\n",
                       scaled(20), search_seed)));
  studies.push_back(Make("random", kSyntheticKind, kSameTrials, 2, "val_accuracy",
                         space + Budget(scaled(60), 2) + "trainer: {epochs: 20}\n"));
  studies.push_back(
      Make("asha", kSyntheticKind, kSameValues, 2, "val_accuracy",
           space + "early_stopping: {method: asha, min_resource: 1, max_resource: 27, reduction_factor: 3}\n" +
               Budget(scaled(120), 2)));
  studies.push_back(Make("asha-stopping", kSyntheticKind, kSameValues, 2, "val_accuracy",
                         space +
                             "early_stopping: {method: asha_stopping, min_resource: 2, max_resource: 32, "
                             "reduction_factor: 2}\n" +
                             Budget(scaled(90), 2)));
  studies.push_back(Make("median", kSyntheticKind, kSameValues, 2, "val_accuracy",
                         space + "early_stopping: {method: median, startup_trials: 3, warmup_steps: 3}\n" +
                             Budget(scaled(70), 2) + "trainer: {epochs: 20}\n"));
  // The driver's trainer knows no options: any will do.
  studies.push_back(
      Make("driven", kDrivenKind, kSameTrials, 2, "score", space + Budget(scaled(60), 2) + "trainer: {epochs: 20}\n"));
  if (torch == Torch::kSome) {
    studies.push_back(Make("torch", kTorchKind, kSameTrials, 1, "val_accuracy",
                           space + Budget(scaled(6), 1) +
                               "trainer: {model: mlp, hidden_units: 32, epochs: 4, max_train_examples: 2000, "
                               "max_test_examples: 200, batch_size: 32}\n"));
  }
  return studies;
}

}  // namespace athanor::chaos
