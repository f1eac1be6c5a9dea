// How weights follow gradients (optimizers/optimizer.h). The learning rate is the schedule's.
#pragma once

#include <cstdint>

namespace athanor::training {

enum class UpdateRule { kSgd, kAdagrad, kRmsprop, kAdam, kAdamW, kAdaBelief, kRanger, kLamb };

struct OptimizerOptions {
  UpdateRule rule = UpdateRule::kSgd;
  double momentum = 0;           // sgd, rmsprop; [0, 1)
  bool nesterov = false;         // sgd; wants momentum > 0
  double beta1 = 0.9;            // the Adam family: decay of the first moment; [0, 1)
  double beta2 = 0.999;          // the Adam family: decay of the second moment; [0, 1)
  double rho = 0.99;             // rmsprop: decay of the mean square; [0, 1)
  double epsilon = 1e-8;         // adaptive rules: added to the denominator; > 0
  int64_t lookahead_steps = 6;   // ranger
  double lookahead_alpha = 0.5;  // ranger; (0, 1]
  double weight_decay = 0;       // L2 penalty or decoupled, see MakeOptimizer; >= 0
  bool decay_all = true;         // false: biases and the parameters of norms do not decay
};

}  // namespace athanor::training
