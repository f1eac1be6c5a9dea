#include "worker/training/data/augmentation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include "worker/training/data/image_operations.h"
#include "worker/training/data/split.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

Random Stream(std::string_view purpose, uint64_t seed, int64_t optimizer_step) {
  return Random({HashString(purpose), seed, static_cast<uint64_t>(optimizer_step)});
}

double Between(Random& random, double low, double high) { return low + (high - low) * random.Uniform(); }

bool Moves(const AugmentationOptions& options) {
  return options.crop_padding > 0 || options.flip_horizontal || options.flip_vertical || options.rotation > 0 ||
         options.scaling > 0 || options.translation > 0;
}

void CheckImages(const AugmentationOptions& options, const Shape& shape, const Normalization& normalization) {
  const bool changes = Moves(options) || options.brightness > 0 || options.contrast > 0 || options.cutout > 0;
  if (shape.input == InputKind::kTable) {
    if (changes) throw InfeasibleError("augmentation of images is asked for, and the data set is a table");
    return;
  }
  if (Moves(options) && !normalization.target_mean.empty()) {
    throw InfeasibleError(
        "crop_padding, flips, rotation, scaling and translation would move what the numbers of a regression tell of; "
        "leave them out");
  }
  const int64_t side = std::min(shape.height, shape.width);
  if (options.crop_padding >= side || options.cutout > side) {
    throw InfeasibleError("crop_padding " + std::to_string(options.crop_padding) + " and cutout " +
                          std::to_string(options.cutout) + " do not fit images of " + std::to_string(shape.height) +
                          " x " + std::to_string(shape.width));
  }
}

// log of a Gamma(alpha, 1) draw.
double LogGammaDraw(double alpha, Random& random) {
  // Gamma(alpha) = Gamma(alpha + 1) * U^(1 / alpha).
  const double boost = alpha < 1 ? std::log(1 - random.Uniform()) / alpha : 0;
  const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.Normal();
    const double v = std::pow(1 + c * x, 3);
    const double u = 1 - random.Uniform();
    if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + boost;
  }
}

}  // namespace

double SymmetricBeta(double alpha, Random& random) {
  const double first = LogGammaDraw(alpha, random);
  const double second = LogGammaDraw(alpha, random);
  return 1 / (1 + std::exp(second - first));
}

Augmentation::Augmentation(const AugmentationOptions& options, const Shape& shape, const Normalization& normalization)
    : options_(options), shape_(shape), normalization_(normalization) {
  CheckImages(options, shape, normalization);
  if (options.mixup > 0) {
    if (!shape.categories.empty()) throw InfeasibleError("mixup needs categories: one_hot");
    if (normalization.classes.empty()) throw InfeasibleError("mixup has no targets to mix in a reconstruction");
  }
}

bool Augmentation::MovesWindow() const {
  return options_.crop_padding > 0 || options_.flip_horizontal || options_.flip_vertical;
}

bool Augmentation::Resamples() const {
  return options_.rotation > 0 || options_.scaling > 0 || options_.translation > 0;
}

bool Augmentation::ChangesLight() const { return options_.brightness > 0 || options_.contrast > 0; }

bool Augmentation::Active() const {
  return MovesWindow() || Resamples() || ChangesLight() || options_.cutout > 0 || options_.mixup > 0;
}

void Augmentation::Apply(Batch& batch, uint64_t seed, int64_t optimizer_step) const {
  if (MovesWindow()) MoveWindow(batch, Stream("augmentation window", seed, optimizer_step));
  if (Resamples()) Resample(batch, Stream("augmentation affine", seed, optimizer_step));
  if (ChangesLight()) ChangeLight(batch, Stream("augmentation light", seed, optimizer_step));
  if (options_.cutout > 0) CutOut(batch, Stream("augmentation cutout", seed, optimizer_step));
  if (options_.mixup > 0) Mix(batch, Stream("augmentation mixup", seed, optimizer_step));
}

void Augmentation::MoveWindow(Batch& batch, Random random) const {
  const auto places = static_cast<uint64_t>(2 * options_.crop_padding + 1);
  std::vector<WindowDraw> draws(static_cast<size_t>(batch.inputs.size(0)));
  for (WindowDraw& draw : draws) {
    draw.top = static_cast<int64_t>(random.Below(places));
    draw.left = static_cast<int64_t>(random.Below(places));
    // Drawn even if not used, so that one option does not change the draws of another.
    draw.mirror_horizontal = random.Below(2) == 1 && options_.flip_horizontal;
    draw.mirror_vertical = random.Below(2) == 1 && options_.flip_vertical;
  }
  batch.inputs = Windowed(batch.inputs, options_.crop_padding, draws);
}

void Augmentation::Resample(Batch& batch, Random random) const {
  const double angle = options_.rotation * std::numbers::pi / 180;
  const double right = options_.translation * static_cast<double>(shape_.width);
  const double down = options_.translation * static_cast<double>(shape_.height);
  std::vector<AffineDraw> draws(static_cast<size_t>(batch.inputs.size(0)));
  for (AffineDraw& draw : draws) {
    draw.angle = Between(random, -angle, angle);
    draw.scale = Between(random, 1 - options_.scaling, 1 + options_.scaling);
    draw.right = Between(random, -right, right);
    draw.down = Between(random, -down, down);
  }
  batch.inputs = Transformed(batch.inputs, draws);
}

void Augmentation::ChangeLight(Batch& batch, Random random) const {
  std::vector<LightDraw> draws(static_cast<size_t>(batch.inputs.size(0)));
  for (LightDraw& draw : draws) {
    draw.brightness = Between(random, std::max(0.0, 1 - options_.brightness), 1 + options_.brightness);
    draw.contrast = Between(random, std::max(0.0, 1 - options_.contrast), 1 + options_.contrast);
  }
  batch.inputs = Lit(batch.inputs, draws, normalization_.mean, normalization_.stddev);
}

void Augmentation::CutOut(Batch& batch, Random random) const {
  std::vector<SquareDraw> draws(static_cast<size_t>(batch.inputs.size(0)));
  for (SquareDraw& draw : draws) {
    // The centre is anywhere in the image.
    draw.top = static_cast<int64_t>(random.Below(static_cast<uint64_t>(shape_.height))) - options_.cutout / 2;
    draw.left = static_cast<int64_t>(random.Below(static_cast<uint64_t>(shape_.width))) - options_.cutout / 2;
  }
  batch.inputs = WithoutSquares(batch.inputs, options_.cutout, draws);
}

void Augmentation::Mix(Batch& batch, Random random) const {
  batch.mix = SymmetricBeta(options_.mixup, random);
  const std::vector<int64_t> partners = EpochOrder(batch.inputs.size(0), random.Next(), 0);
  const at::Tensor indices = at::tensor(partners, at::kLong).to(batch.inputs.device());
  batch.inputs = batch.inputs * batch.mix + at::index_select(batch.inputs, 0, indices) * (1 - batch.mix);
  batch.other_targets = at::index_select(batch.targets, 0, indices);
}

}  // namespace athanor::training
