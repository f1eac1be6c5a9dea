// A trial's settings as the parts of the trainer want them: parsed from the option table once, checked for combinations
// that cannot work. Meaning, range and default of each option stand in base/trainer_options.cc, one entry a name; the
// names here are the same, without the prefix that their struct makes superfluous. Defaults here are those of the
// table, so that a part can be tested by itself.
//
// All counts are >= 1 and all shares in [0, 1] unless said otherwise. Plain values: copies are independent, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/trainer_options.h"

namespace athanor::training {

// What is trained on (dataset.h, split.h). A process that trains one trial after another keeps its data set while these
// are equal and the files stay as they are.
struct DataOptions {
  std::string dataset = "fashion-mnist";  // or "idx": the four files in data_dir
  std::string data_dir = "";
  int64_t max_train_examples = 0;    // of the training file, before the split; 0 = all
  int64_t max_test_examples = 0;     // 0 = all
  double validation_fraction = 0.1;  // of the training file; (0, 1)
  uint64_t split_seed = 0;           // the same for all trials of a study, so that they compare

  bool operator==(const DataOptions&) const = default;
};

enum class Architecture { kMlp, kLenet };
enum class Activation { kRelu, kTanh, kGelu, kSilu };

// What is trained (model.h).
struct ModelOptions {
  Architecture architecture = Architecture::kLenet;
  int64_t hidden_units = 128;  // mlp: of every hidden layer; lenet: of the first dense one
  int64_t hidden_layers = 2;   // mlp; >= 0
  int64_t channels = 16;       // lenet: of the first convolution; the second has twice as many
  int64_t kernel_size = 5;     // lenet: side in pixels; odd
  Activation activation = Activation::kRelu;
  bool batch_norm = false;  // after every hidden layer
  double dropout = 0;       // probability of zeroing an activation before the dense layers; [0, 1)
};

enum class UpdateRule { kSgd, kAdam, kAdamW };

// How weights follow gradients (optimizer.h). The learning rate is the schedule's.
struct OptimizerOptions {
  UpdateRule rule = UpdateRule::kSgd;
  double momentum = 0;      // sgd; [0, 1)
  bool nesterov = false;    // sgd; wants momentum > 0
  double beta1 = 0.9;       // adam, adamw: decay of the first moment; [0, 1)
  double beta2 = 0.999;     // adam, adamw: decay of the second moment; [0, 1)
  double epsilon = 1e-8;    // adam, adamw: added to the denominator; > 0
  double weight_decay = 0;  // sgd, adam: L2 penalty; adamw: decoupled; >= 0
};

enum class ScheduleShape { kConstant, kStep, kCosine };

// The learning rate over the run (schedule.h). Epochs may be fractions.
struct ScheduleOptions {
  ScheduleShape shape = ScheduleShape::kConstant;
  double learning_rate = 0.01;   // peak; > 0
  double warmup_epochs = 0;      // linear from 0, before the shape; >= 0
  double step_epochs = 10;       // step: between decays; > 0
  double decay_factor = 0.1;     // step: at each decay; (0, 1]
  double min_learning_rate = 0;  // cosine: at the end; [0, learning_rate]
};

struct TrainingOptions {
  DataOptions data;
  ModelOptions model;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  double label_smoothing = 0;         // share of the target spread evenly over all classes; [0, 1)
  double gradient_clip_norm = 0;      // of all gradients together, L2; 0 = no clipping
  int64_t batch_size = 128;           // examples an optimiser step
  int64_t epochs = 10;                // passes over the training data, where the resource is epochs
  int64_t steps = 1000;               // optimiser steps, where the resource is steps
  int64_t evaluation_interval = 100;  // optimiser steps between evaluations, where the resource is steps
  int threads = 1;                    // on the CPU; a part of the configuration, because sums depend on it
};

// Throws InfeasibleError, naming the option and the value, on an unknown option, a value that its option does not take,
// or a combination that cannot work whatever the data: an even kernel, Nesterov without momentum, a cosine that ends
// above its peak, batch normalisation over batches of one. What is left out has the default of the table. Combinations
// that depend on the data (a kernel larger than the images, a warm-up longer than the run) are found by those who see
// it. The option `seed` is not among them: the seed is the trial's (trainer.h).
TrainingOptions ParseTrainingOptions(const NamedValues& given);

}  // namespace athanor::training
