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

template <typename Number>
std::string NumberBytes(Number number) {
  static_assert(sizeof(Number) == 8);
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
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

template <typename Number>
void LoadNumber(const CheckpointSections& sections, const std::string& name, Number& number) {
  static_assert(sizeof(Number) == 8);
  std::memcpy(&number, Section(sections, name, sizeof(Number)).data(), sizeof(Number));
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

TrainingState::TrainingState(const TrainingOptions& options, const Shape& shape, const at::Device& device,
                             uint64_t seed, std::string identity)
    : identity_(std::move(identity)), device_(device) {
  // LibTorch's generator uses only the low half of its seed; the hash brings the high half into it.
  at::manual_seed(HashWords({HashString("model"), seed}));
  model_ = MakeModel({options.model, options.task.task, shape}, device);
  parameters_ = std::make_unique<FlatParameters>(*model_);
  optimizer_ = MakeOptimizer(options.optimizer, *parameters_);
}

void TrainingState::KeepBest() {
  const c10::NoGradGuard no_grad;
  best_parameters_ = parameters_->values().clone();
  best_buffers_.clear();
  for (const NamedTensor& buffer : model_->Buffers()) best_buffers_.push_back({buffer.name, buffer.tensor.clone()});
}

void TrainingState::RestoreBest() {
  if (!best_parameters_.defined()) return;
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
  CheckpointSections sections = {
      {"identity", identity_},
      {"optimizer_step", NumberBytes(progress.optimizer_step)},
      {"step", NumberBytes(progress.step)},
      {"elapsed_ms", NumberBytes(progress.elapsed_ms)},
      {"window_loss", NumberBytes(progress.window_loss)},
      {"window_examples", NumberBytes(progress.window_examples)},
      {"best_value", NumberBytes(progress.best_value)},
      {"best_step", NumberBytes(progress.best_step)},
      {"best_optimizer_step", NumberBytes(progress.best_optimizer_step)},
      {"rng/cpu", GeneratorBytes(at::kCPU)},
  };
  if (device_.is_cuda()) sections["rng/cuda"] = GeneratorBytes(device_);
  for (const Slot& slot : Slots()) sections[slot.section] = TensorBytes(slot.tensor);
  for (const Slot& slot : BestSlots()) sections[slot.section] = TensorBytes(slot.tensor);
  return sections;
}

void TrainingState::Restore(const CheckpointSections& sections) {
  const auto identity = sections.find("identity");
  if (identity == sections.end() || identity->second != identity_) throw CheckpointError("belongs to another trial");
  Progress restored;
  LoadNumber(sections, "optimizer_step", restored.optimizer_step);
  LoadNumber(sections, "step", restored.step);
  LoadNumber(sections, "elapsed_ms", restored.elapsed_ms);
  LoadNumber(sections, "window_loss", restored.window_loss);
  LoadNumber(sections, "window_examples", restored.window_examples);
  LoadNumber(sections, "best_value", restored.best_value);
  LoadNumber(sections, "best_step", restored.best_step);
  LoadNumber(sections, "best_optimizer_step", restored.best_optimizer_step);
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
