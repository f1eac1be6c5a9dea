// A trial's settings as the parts of the trainer want them: parsed from the option table once, checked for combinations
// that cannot work. What each option means is said in base/trainer_options.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/trainer_options.h"

namespace athanor::training {

struct DataOptions {
  std::string dataset = "fashion-mnist";
  std::string data_dir = "";
  int64_t max_train_examples = 0;  // 0 = all
  int64_t max_test_examples = 0;   // 0 = all
  double validation_fraction = 0.1;
  uint64_t split_seed = 0;

  bool operator==(const DataOptions&) const = default;
};

enum class Architecture { kMlp, kLenet };
enum class Activation { kRelu, kTanh, kGelu, kSilu };

struct ModelOptions {
  Architecture architecture = Architecture::kLenet;
  int64_t hidden_units = 128;
  int64_t hidden_layers = 2;
  int64_t channels = 16;
  int64_t kernel_size = 5;
  Activation activation = Activation::kRelu;
  bool batch_norm = false;
  double dropout = 0;
};

enum class UpdateRule { kSgd, kAdam, kAdamW };

struct OptimizerOptions {
  UpdateRule rule = UpdateRule::kSgd;
  double momentum = 0;
  bool nesterov = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

enum class ScheduleShape { kConstant, kStep, kCosine };

struct ScheduleOptions {
  ScheduleShape shape = ScheduleShape::kConstant;
  double learning_rate = 0.01;
  double warmup_epochs = 0;
  double step_epochs = 10;
  double decay_factor = 0.1;
  double min_learning_rate = 0;
};

struct TrainingOptions {
  DataOptions data;
  ModelOptions model;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  double label_smoothing = 0;
  double gradient_clip_norm = 0;  // 0 = no clipping
  int64_t batch_size = 128;
  int64_t epochs = 10;
  int64_t steps = 1000;
  int64_t evaluation_interval = 100;
  int threads = 1;
};

// Throws InfeasibleError, naming the option and the value, on an unknown option, a value that its option does not take,
// or a combination that cannot work whatever the data: an even kernel, Nesterov without momentum, a cosine that ends
// above its peak, batch normalisation over batches of one.
TrainingOptions ParseTrainingOptions(const NamedValues& given);

}  // namespace athanor::training
