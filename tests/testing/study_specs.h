// Study specifications for tests.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "server/core/study_spec.h"

namespace athanor {

inline Parameter MakeParameter(std::string name, ParameterType type, double min = 0, double max = 0) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.type = type;
  parameter.min = min;
  parameter.max = max;
  return parameter;
}

// The least that a study needs: one float parameter `x` in [0, 1], random search, `loss` minimised, no early stopping.
inline StudySpec SmallStudySpec(std::string name) {
  StudySpec spec;
  spec.name = std::move(name);
  spec.objectives = {{"loss", Goal::kMinimize}};
  spec.parameters = {MakeParameter("x", ParameterType::kFloat, 0, 1)};
  spec.search.method = "random";
  return spec;
}

// Parameters of every type, scale and shape, with values of every kind and nested conditions.
inline std::vector<Parameter> RichParameters() {
  Parameter rate = MakeParameter("learning_rate", ParameterType::kFloat, 1e-4, 1.0);
  rate.scale = Scale::kLog;
  rate.points = 5;
  Parameter dropout = MakeParameter("dropout", ParameterType::kFloat, 0.0, 0.5);
  dropout.step = 0.1;
  Parameter channels = MakeParameter("channels", ParameterType::kInt, -9007199254740992.0, 9007199254740992.0);
  channels.step = 8;
  Parameter optimizer = MakeParameter("optimizer", ParameterType::kCategorical);
  optimizer.values = {Value(std::string("sgd")), Value(std::string("adam")), Value(std::string("1")),
                      Value(std::string())};
  Parameter mixed = MakeParameter("mixed", ParameterType::kCategorical);
  mixed.values = {Value(int64_t{1}), Value(1.0),   Value(std::string("1")),
                  Value(true),       Value(false), Value(std::numeric_limits<int64_t>::min())};
  mixed.when = {{"optimizer", {Value(std::string("sgd")), Value(std::string("1"))}}};
  Parameter momentum = MakeParameter("momentum", ParameterType::kFloat, 0.0, 0.99);
  momentum.when = {{"optimizer", {Value(std::string("sgd"))}}, {"mixed", {Value(int64_t{1}), Value(1.0), Value(true)}}};
  return {rate, dropout, channels, optimizer, mixed, momentum};
}

// Every option away from its default. Whether the combination makes sense is not its point: stores and converters must
// keep all of it.
inline StudySpec RichStudySpec(std::string name) {
  StudySpec spec;
  spec.name = std::move(name);
  spec.description = "Ångström – 学習率 \U0001F525 with \"quotes\", 'ticks'\nand a second line";
  spec.labels = {{"team", "vision"}, {"empty", ""}, {"größe", "маленький"}};
  spec.priority = -7;
  spec.owner = "Zoë";
  spec.objectives = {{"val_accuracy", Goal::kMaximize}};
  spec.resource = Resource::kStep;
  spec.parameters = RichParameters();
  spec.search = {.method = "auto",
                 .seed = std::numeric_limits<uint64_t>::max(),
                 .startup_trials = 12,
                 .random_share = 0.25,
                 .picked = "tpe",
                 .picked_reason = "2 of 6 parameters depend on others"};
  AshaPromotion asha;
  asha.min_resource = 2;
  asha.max_resource = 54;
  asha.reduction_factor = 4;
  asha.finalists = 0;
  asha.startup_trials = 6;
  spec.early_stopping = asha;
  spec.budget = {.trials = 60, .parallel = 8, .wall_clock_ms = 7'200'000, .max_failures = 0, .target = 0.93};
  spec.retry = {.max_attempts = 5, .stall_timeout_ms = 1234};
  spec.requirements = {.device = "cuda", .devices = 2, .labels = {{"gpu", "h100"}, {"rack", "7"}}};
  spec.checkpoint = {.interval_ms = 0, .keep_best = 3};
  spec.trainer = {{"model", Value(std::string("lenet"))},
                  {"epochs", Value(int64_t{54})},
                  {"weight_decay", Value(5e-4)},
                  {"norm", Value(std::string("batch"))},
                  {"label_smoothing", Value(0.0)}};
  spec.warm_start = {"earlier", "die-größte"};
  return spec;
}

}  // namespace athanor
