#include "base/trainer_options.h"

#include <algorithm>
#include <stdexcept>

#include "base/edit_distance.h"
#include "base/sha256.h"

namespace athanor {
namespace {

using enum OptionType;

// clang-format off
const std::vector<TrainerOption>& Table() {
  static const std::vector<TrainerOption> table = {
      {.name = "model", .type = kChoice, .default_value = std::string("lenet"), .choices = {"mlp", "lenet"},
       .help = "network architecture"},
      {.name = "hidden_units", .type = kInt, .default_value = int64_t{128}, .min = 1, .max = 16384,
       .help = "mlp: width of every hidden layer; lenet: width of the first dense layer"},
      {.name = "hidden_layers", .type = kInt, .default_value = int64_t{2}, .min = 0, .max = 64,
       .help = "mlp: number of hidden layers"},
      {.name = "channels", .type = kInt, .default_value = int64_t{16}, .min = 1, .max = 4096,
       .help = "lenet: channels of the first convolution; the second has twice as many"},
      {.name = "kernel_size", .type = kInt, .default_value = int64_t{5}, .min = 1, .max = 9,
       .help = "lenet: side of the convolution kernels in pixels, odd"},
      {.name = "activation", .type = kChoice, .default_value = std::string("relu"), .choices = {"relu", "tanh", "gelu", "silu"},
       .help = "non-linearity between layers"},
      {.name = "batch_norm", .type = kBool, .default_value = false, .help = "batch normalisation after every hidden layer"},
      {.name = "dropout", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "probability of zeroing an activation before the dense layers"},
      {.name = "dataset", .type = kString, .default_value = std::string("fashion-mnist"),
       .help = "fashion-mnist (Debian's package, found by itself), or idx with data_dir"},
      {.name = "data_dir", .type = kString, .default_value = std::string(""),
       .help = "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the t10k pair, each plain or .gz"},
      {.name = "max_train_examples", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e9,
       .help = "use only the first so many examples of the training file, before the split; 0 = all"},
      {.name = "max_test_examples", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e9,
       .help = "use only the first so many examples of the test file; 0 = all"},
      {.name = "validation_fraction", .type = kFloat, .default_value = 0.1, .min = 0, .max = 1, .exclusive_min = true,
       .exclusive_max = true, .help = "share of the training file held out for validation"},
      {.name = "split_seed", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e15,
       .help = "seed of the train/validation split, the same for every trial of a study"},
      {.name = "epochs", .type = kInt, .default_value = int64_t{10}, .min = 1, .max = 1e6,
       .help = "passes over the training data; the horizon of the schedule"},
      {.name = "steps", .type = kInt, .default_value = int64_t{1000}, .min = 1, .max = 1e9,
       .help = "resource: step only: optimiser steps; the horizon of the schedule"},
      {.name = "evaluation_interval", .type = kInt, .default_value = int64_t{100}, .min = 1, .max = 1e9,
       .help = "resource: step only: optimiser steps between evaluations"},
      {.name = "batch_size", .type = kInt, .default_value = int64_t{128}, .min = 1, .max = 65536,
       .help = "examples an optimiser step"},
      {.name = "seed", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 9e15,
       .help = "training seed; left out, each trial gets its own from the study's seed"},
      {.name = "threads", .type = kInt, .default_value = int64_t{1}, .min = 1, .max = 1024,
       .help = "CPU threads a trial trains with; part of the configuration, since sums depend on it"},
      {.name = "loss", .type = kChoice, .default_value = std::string("cross_entropy"), .choices = {"cross_entropy"},
       .help = "training loss"},
      {.name = "label_smoothing", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "share of the target spread evenly over all classes"},
      {.name = "optimizer", .type = kChoice, .default_value = std::string("sgd"), .choices = {"sgd", "adam", "adamw"},
       .help = "update rule"},
      {.name = "learning_rate", .type = kFloat, .default_value = 0.01, .min = 0, .max = 1000, .exclusive_min = true,
       .help = "peak step size"},
      {.name = "momentum", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "sgd: momentum"},
      {.name = "nesterov", .type = kBool, .default_value = false, .help = "sgd: Nesterov momentum; needs momentum > 0"},
      {.name = "beta1", .type = kFloat, .default_value = 0.9, .min = 0, .max = 1, .exclusive_max = true,
       .help = "adam, adamw: decay of the first moment"},
      {.name = "beta2", .type = kFloat, .default_value = 0.999, .min = 0, .max = 1, .exclusive_max = true,
       .help = "adam, adamw: decay of the second moment"},
      {.name = "epsilon", .type = kFloat, .default_value = 1e-8, .min = 0, .max = 1, .exclusive_min = true,
       .help = "adam, adamw: added to the denominator"},
      {.name = "weight_decay", .type = kFloat, .default_value = 0.0, .min = 0, .max = 100,
       .help = "L2 penalty (sgd, adam) or decoupled decay (adamw)"},
      {.name = "gradient_clip_norm", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e9,
       .help = "largest global L2 norm of the gradient; 0 = no clipping"},
      {.name = "schedule", .type = kChoice, .default_value = std::string("constant"), .choices = {"constant", "step", "cosine"},
       .help = "learning rate over the run"},
      {.name = "warmup_epochs", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e6,
       .help = "linear warm-up from 0, in epochs, before the schedule"},
      {.name = "step_epochs", .type = kFloat, .default_value = 10.0, .min = 0, .max = 1e6, .exclusive_min = true,
       .help = "schedule step: epochs between decays"},
      {.name = "decay_factor", .type = kFloat, .default_value = 0.1, .min = 0, .max = 1, .exclusive_min = true,
       .help = "schedule step: factor at each decay"},
      {.name = "min_learning_rate", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1000,
       .help = "schedule cosine: learning rate at the end"},
  };
  return table;
}
// clang-format on

std::string Bound(OptionType type, double bound) {
  return type == kInt ? std::to_string(static_cast<int64_t>(bound)) : ToString(Value(bound));
}

}  // namespace

std::span<const TrainerOption> TrainerOptions() { return Table(); }

const TrainerOption* FindTrainerOption(std::string_view name) {
  const auto found = std::ranges::find(Table(), name, &TrainerOption::name);
  return found == Table().end() ? nullptr : &*found;
}

std::string_view ClosestTrainerOption(std::string_view name) {
  std::vector<std::string_view> names;
  for (const TrainerOption& option : Table()) names.push_back(option.name);
  return ClosestName(name, names);
}

std::string Accepts(const TrainerOption& option) {
  switch (option.type) {
    case kBool:
      return "true or false";
    case kString:
      return "a string";
    case kChoice: {
      std::string text = "one of ";
      for (const std::string_view choice : option.choices) {
        if (choice != option.choices.front()) text += ", ";
        text += choice;
      }
      return text;
    }
    case kInt:
    case kFloat:
      return std::string(option.type == kInt ? "int" : "float") + " in " + (option.exclusive_min ? "(" : "[") +
             Bound(option.type, option.min) + ", " + Bound(option.type, option.max) +
             (option.exclusive_max ? ")" : "]");
  }
  return "";
}

std::optional<std::string> WhyRefused(const TrainerOption& option, const Value& value) {
  const auto refuse = [&](std::string_view why) {
    return ToString(value) + " " + std::string(why) + "; want " + Accepts(option);
  };
  switch (option.type) {
    case kBool:
      if (!std::holds_alternative<bool>(value)) return refuse(std::string("is of type ") + TypeName(value));
      return std::nullopt;
    case kString:
      if (!std::holds_alternative<std::string>(value)) return refuse(std::string("is of type ") + TypeName(value));
      return std::nullopt;
    case kChoice:
      if (!std::holds_alternative<std::string>(value)) return refuse(std::string("is of type ") + TypeName(value));
      if (std::ranges::find(option.choices, std::get<std::string>(value)) == option.choices.end()) {
        return refuse("is unknown");
      }
      return std::nullopt;
    case kInt:
    case kFloat: {
      double number;
      if (const auto* integer = std::get_if<int64_t>(&value)) {
        number = static_cast<double>(*integer);
      } else if (const auto* real = std::get_if<double>(&value); real != nullptr && option.type == kFloat) {
        number = *real;
      } else {
        return refuse(std::string("is of type ") + TypeName(value));
      }
      const bool above = option.exclusive_min ? number > option.min : number >= option.min;
      const bool below = option.exclusive_max ? number < option.max : number <= option.max;
      if (!above || !below) return refuse("is out of range");  // NaN lands here too
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string TrainerOptionsHash() {
  std::string text;
  for (const TrainerOption& option : Table()) {
    text += std::string(option.name) + "\t" + std::to_string(static_cast<int>(option.type)) + "\t" + Accepts(option) +
            "\t" + ToString(option.default_value) + "\n";
  }
  return Sha256::Hex(text);
}

TrainerSettings::TrainerSettings(NamedValues given) : given_(std::move(given)) {
  for (auto& [name, value] : given_) {
    const TrainerOption* option = FindTrainerOption(name);
    if (option == nullptr) throw std::invalid_argument("trainer option " + name + " is unknown");
    if (const auto why = WhyRefused(*option, value))
      throw std::invalid_argument("trainer option " + name + ": " + *why);
    if (const auto* integer = std::get_if<int64_t>(&value); integer != nullptr && option->type == kFloat) {
      value = static_cast<double>(*integer);
    }
  }
}

const Value& TrainerSettings::Get(std::string_view name, OptionType type) const {
  const TrainerOption* option = FindTrainerOption(name);
  if (option == nullptr) throw std::logic_error("no trainer option " + std::string(name));
  const bool textual = type == kString && option->type == kChoice;
  if (option->type != type && !textual)
    throw std::logic_error("trainer option " + std::string(name) + " has another type");
  const auto found = given_.find(std::string(name));
  return found == given_.end() ? option->default_value : found->second;
}

bool TrainerSettings::Bool(std::string_view name) const { return std::get<bool>(Get(name, kBool)); }
int64_t TrainerSettings::Int(std::string_view name) const { return std::get<int64_t>(Get(name, kInt)); }
double TrainerSettings::Float(std::string_view name) const { return std::get<double>(Get(name, kFloat)); }
std::string TrainerSettings::String(std::string_view name) const { return std::get<std::string>(Get(name, kString)); }
bool TrainerSettings::Has(std::string_view name) const { return given_.contains(std::string(name)); }

}  // namespace athanor
