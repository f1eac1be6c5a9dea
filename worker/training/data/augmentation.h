// Random changes to the batches that train, so that a model sees each example in many forms.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "worker/training/data/dataset.h"
#include "worker/training/data/shape.h"
#include "worker/training/options/data_options.h"

namespace athanor::training {

// Applied to standardised batches (GatherBatch), on their device, in this order: a crop out of the padded image and
// flips; rotation, scaling and translation in one bilinear resampling; brightness, then contrast, of pixels taken back
// to [0, 1]; cutout; mixup. What comes into view from outside an image is its channel's mean, and so is what is cut
// out. Immutable: any number of threads.
//
// Performance: nothing where all options are off (Active). Each draw is made on the host and brought over; a batch of
// 128 images of 28 x 28 takes about 0.2 ms more for a crop with flips, 1.2 ms for rotation on one core.
class Augmentation {
 public:
  // Throws InfeasibleError if an option cannot work on these data: images changed that are tables; key points
  // (normalization.target_mean is not empty), which would have to move with their image; mixup of embedded categories
  // or without targets that a loss is mixed of; padding or a square larger than the image.
  Augmentation(const AugmentationOptions& options, const Shape& shape, const Normalization& normalization);

  bool Active() const;
  // Replaces the batch's inputs, and fills other_targets and mix for mixup. A function of (batch, seed,
  // optimizer_step) alone.
  void Apply(Batch& batch, uint64_t seed, int64_t optimizer_step) const;

 private:
  bool MovesWindow() const;
  bool Resamples() const;
  bool ChangesLight() const;
  void MoveWindow(Batch& batch, Random random) const;
  void Resample(Batch& batch, Random random) const;
  void ChangeLight(Batch& batch, Random random) const;
  void CutOut(Batch& batch, Random random) const;
  void Mix(Batch& batch, Random random) const;

  AugmentationOptions options_;
  Shape shape_;
  Normalization normalization_;
};

// A draw from Beta(alpha, alpha), in [0, 1], by two gamma draws (Marsaglia and Tsang 2000) compared in logarithms, so
// that the smallest alpha is no trouble. alpha > 0.
double SymmetricBeta(double alpha, Random& random);

}  // namespace athanor::training
