#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/div.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

std::vector<at::Tensor> ViewsOfSegments(const at::Tensor& flat, const std::vector<ParameterSegment>& segments) {
  std::vector<at::Tensor> views;
  for (const ParameterSegment& segment : segments) views.push_back(flat.narrow(0, segment.start, segment.count));
  return views;
}

// int32 [size]: which segment each element is of. Gaps count to the first, of which they change nothing.
at::Tensor SegmentOfElements(const FlatParameters& parameters) {
  std::vector<double> numbers(parameters.segments().size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i);
  return parameters.Expand(numbers).to(at::kInt);
}

class Lamb final : public Optimizer {
 public:
  Lamb(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters),
        options_(options),
        decay_(options, parameters),
        first_moment_(at::zeros_like(parameters.values())),
        second_moment_(at::zeros_like(parameters.values())),
        direction_(at::zeros_like(parameters.values())),
        segment_of_(SegmentOfElements(parameters)),
        value_views_(ViewsOfSegments(parameters.values(), parameters.segments())),
        direction_views_(ViewsOfSegments(direction_, parameters.segments())) {}

  std::vector<NamedTensor> State() override {
    return {{"first_moment", first_moment_}, {"second_moment", second_moment_}};
  }

 private:
  void Update(int64_t step, double learning_rate) override {
    first_moment_.mul_(options_.beta1).add_(gradients(), 1 - options_.beta1);
    second_moment_.mul_(options_.beta2).addcmul_(gradients(), gradients(), 1 - options_.beta2);
    const double count = static_cast<double>(step);
    const double first_correction = 1 - std::pow(options_.beta1, count);
    const double second_correction = 1 - std::pow(options_.beta2, count);
    const at::Tensor denominator = second_moment_.sqrt().div_(std::sqrt(second_correction)).add_(options_.epsilon);
    at::div_out(direction_, first_moment_, denominator.mul_(first_correction));
    decay_.AddTo(direction_, values());
    values().addcmul_(direction_, at::index_select(TrustRatios(), 0, segment_of_), -learning_rate);
  }

  // [segments], on the device.
  at::Tensor TrustRatios() const {
    const at::Tensor value_norms = at::stack(at::_foreach_norm(value_views_));
    const at::Tensor direction_norms = at::stack(at::_foreach_norm(direction_views_));
    const at::Tensor none = value_norms.eq(0).logical_or_(direction_norms.eq(0));
    return value_norms.div(direction_norms).masked_fill_(none, 1);
  }

  OptimizerOptions options_;
  WeightDecay decay_;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
  at::Tensor direction_;  // of the step in progress; kept, so that direction_views_ are of it
  at::Tensor segment_of_;
  std::vector<at::Tensor> value_views_;
  std::vector<at::Tensor> direction_views_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeLamb(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Lamb>(options, parameters);
}

}  // namespace athanor::training
