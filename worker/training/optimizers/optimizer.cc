#include "worker/training/optimizers/optimizer.h"

namespace athanor::training {

std::unique_ptr<Optimizer> MakeOptimizer(const OptimizerOptions& options, FlatParameters& parameters) {
  switch (options.rule) {
    case UpdateRule::kSgd:
      return MakeSgd(options, parameters);
    case UpdateRule::kAdam:
    case UpdateRule::kAdamW:
      break;
  }
  return MakeAdam(options, parameters);
}

}  // namespace athanor::training
