#include "worker/training/run/training_state.h"

#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <bit>
#include <cstring>
#include <mutex>

#include "base/random.h"
#include "worker/training/errors.h"
#include "worker/training/models/parameter_layout.h"
#include "worker/training/models/transfer.h"

namespace athanor::training {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints hold numbers and tensors as they lie in memory");

std::string TensorBytes(const at::Tensor& tensor) {
  const at::Tensor local = tensor.detach().to(at::kCPU).contiguous();
  return {static_cast<const char*>(local.data_ptr()), static_cast<size_t>(local.nbytes())};
}

void LoadTensor(at::Tensor tensor, const std::string& bytes) {
  const c10::NoGradGuard no_grad;
  const at::Tensor local = at::empty(tensor.sizes(), tensor.options().device(at::kCPU).requires_grad(false));
  std::memcpy(local.data_ptr(), bytes.data(), bytes.size());
  tensor.copy_(local);
}

std::string NumberBytes(auto number) {
  static_assert(sizeof(number) == 8);
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

// Every number of Progress by the name of its section, as an int64 or a double.
void VisitNumbers(auto& progress, const auto& visit) {
  visit("optimizer_step", progress.optimizer_step);
  visit("step", progress.step);
  visit("elapsed_ms", progress.elapsed_ms);
  visit("window_loss", progress.window_loss);
  visit("window_examples", progress.window_examples);
  visit("best_value", progress.best_value);
  visit("best_step", progress.best_step);
  visit("best_optimizer_step", progress.best_optimizer_step);
  visit("batch_parts", progress.batch_parts);
  visit("plateau/factor", progress.plateau.factor);
  visit("plateau/best", progress.plateau.best);
  visit("plateau/waited", progress.plateau.waited);
  visit("early_end/best", progress.early_end.best);
  visit("early_end/waited", progress.early_end.waited);
  visit("early_end/ended", progress.early_end.ended);
  visit("loss_scale/scale", progress.loss_scale.scale);
  visit("loss_scale/good_steps", progress.loss_scale.good_steps);
  visit("loss_scale/skipped", progress.loss_scale.skipped);
}

const std::string& Section(const CheckpointSections& sections, const std::string& name, size_t bytes) {
  const auto found = sections.find(name);
  if (found == sections.end()) throw CheckpointError("section " + name + " is missing");
  if (found->second.size() != bytes) {
    throw CheckpointError("section " + name + " has " + std::to_string(found->second.size()) + " bytes; want " +
                          std::to_string(bytes));
  }
  return found->second;
}

std::string GeneratorBytes(const at::Device& device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return TensorBytes(generator.get_state());
}

void LoadGenerator(const at::Device& device, const std::string& bytes) {
  const at::Tensor state = at::empty({static_cast<int64_t>(bytes.size())}, at::kByte);
  std::memcpy(state.data_ptr(), bytes.data(), bytes.size());
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace

TrainingState::TrainingState(const TrainingOptions& options, const Dataset& dataset, const at::Device& device,
                             uint64_t seed, std::string identity, const NamedValues& given, Start start,
                             std::vector<std::string>& notes)
    : identity_(std::move(identity)),
      description_(WriteDescription({given, dataset.shape, dataset.normalization})),
      device_(device) {
  // LibTorch's generator uses only the low half of its seed; the hash brings the high half into it.
  at::manual_seed(HashWords({HashString("model"), seed}));
  model_ =
      WithPrecision(MakeModel({options.model, options.task.task, dataset.shape}, device), options.precision, device);
  if (start == Start::kFresh) {
    if (options.prior_bias) SetPriorBias(*model_, dataset.class_counts);
    if (!options.transfer.pretrained.empty()) notes = TransferWeights(options.transfer, *model_);
  }
  parameters_ = std::make_unique<FlatParameters>(*model_);
  optimizer_ = MakeOptimizer(options.optimizer, *parameters_);
  if (options.weight_average_decay > 0) {
    average_ = std::make_unique<WeightAverage>(options.weight_average_decay, *parameters_);
  }
  progress.batch_parts = options.accumulation_steps;
}

void TrainingState::KeepBest() {
  const c10::NoGradGuard no_grad;
  best_parameters_ = parameters_->values().clone();
  best_buffers_.clear();
  for (const NamedTensor& buffer : model_->Buffers()) best_buffers_.push_back({buffer.name, buffer.tensor.clone()});
}

void TrainingState::RestoreBest() {
  if (!best_parameters_.defined()) {
    if (average_ != nullptr) average_->Swap();
    return;
  }
  const c10::NoGradGuard no_grad;
  parameters_->values().copy_(best_parameters_);
  const std::vector<NamedTensor> buffers = model_->Buffers();
  for (size_t i = 0; i < buffers.size(); ++i) at::Tensor(buffers[i].tensor).copy_(best_buffers_[i].tensor);
}

std::vector<TrainingState::Slot> TrainingState::ModelSlots() {
  std::vector<Slot> slots = {{"parameters", parameters_->values()}};
  for (const NamedTensor& buffer : model_->Buffers()) slots.push_back({"buffer/" + buffer.name, buffer.tensor});
  return slots;
}

std::vector<TrainingState::Slot> TrainingState::Slots() {
  std::vector<Slot> slots = ModelSlots();
  for (const NamedTensor& state : optimizer_->State()) slots.push_back({"optimizer/" + state.name, state.tensor});
  if (average_ == nullptr) return slots;
  for (const NamedTensor& state : average_->State()) slots.push_back({"average/" + state.name, state.tensor});
  return slots;
}

std::vector<TrainingState::Slot> TrainingState::BestSlots() {
  std::vector<Slot> slots;
  if (!best_parameters_.defined()) return slots;
  slots.push_back({"best_parameters", best_parameters_});
  for (const NamedTensor& buffer : best_buffers_) slots.push_back({"best_buffer/" + buffer.name, buffer.tensor});
  return slots;
}

CheckpointSections TrainingState::Save() {
  CheckpointSections sections = {{"identity", identity_},
                                 {"description", description_},
                                 {"layout", WriteLayout(*model_)},
                                 {"plateau/finished", NumberBytes(int64_t{progress.plateau.finished})},
                                 {"rng/cpu", GeneratorBytes(at::kCPU)}};
  VisitNumbers(progress, [&](const char* name, const auto& number) { sections[name] = NumberBytes(number); });
  if (device_.is_cuda()) sections["rng/cuda"] = GeneratorBytes(device_);
  for (const Slot& slot : Slots()) sections[slot.section] = TensorBytes(slot.tensor);
  for (const Slot& slot : BestSlots()) sections[slot.section] = TensorBytes(slot.tensor);
  return sections;
}

void TrainingState::Restore(const CheckpointSections& sections) {
  const auto identity = sections.find("identity");
  if (identity == sections.end() || identity->second != identity_) throw CheckpointError("belongs to another trial");
  Progress restored;
  const auto load = [&](const char* name, auto& number) {
    std::memcpy(&number, Section(sections, name, sizeof(number)).data(), sizeof(number));
  };
  VisitNumbers(restored, load);
  int64_t finished = 0;
  load("plateau/finished", finished);
  restored.plateau.finished = finished != 0;
  const bool has_best = restored.best_step > 0;

  // Everything is looked at before anything is changed.
  for (const Slot& slot : Slots()) Section(sections, slot.section, slot.tensor.nbytes());
  for (const Slot& slot : ModelSlots()) {
    if (has_best) Section(sections, "best_" + slot.section, slot.tensor.nbytes());
  }
  Section(sections, "rng/cpu", GeneratorBytes(at::kCPU).size());
  if (device_.is_cuda()) Section(sections, "rng/cuda", GeneratorBytes(device_).size());

  if (has_best) KeepBest();  // makes room; the contents are overwritten
  for (const Slot& slot : Slots()) LoadTensor(slot.tensor, sections.at(slot.section));
  for (const Slot& slot : BestSlots()) LoadTensor(slot.tensor, sections.at(slot.section));
  LoadGenerator(at::kCPU, sections.at("rng/cpu"));
  if (device_.is_cuda()) LoadGenerator(device_, sections.at("rng/cuda"));
  progress = restored;
}

}  // namespace athanor::training
