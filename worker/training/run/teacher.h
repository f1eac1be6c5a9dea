// The trained classifier that another one imitates.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>

#include "worker/training/data/shape.h"
#include "worker/training/run/saved_model.h"

namespace athanor::training {

// Not thread-safe.
class Teacher {
 public:
  // The best model of the checkpoint, or the last if there is no best, on `device`, for batches of data of this shape
  // and normalisation. Throws the errors of LoadSavedModel; InfeasibleError if it is no classifier, or takes other
  // inputs or answers with other classes: another shape, other columns or category values of a table, other names of
  // classes (mere numbers, the names of data sets that have none, agree with all).
  Teacher(const std::filesystem::path& checkpoint, const Shape& shape, const Normalization& normalization,
          const at::Device& device);

  // Its logits, float32 [B, classes] without gradient, for a batch's inputs: standardised as the data at hand are,
  // which is made up for if the teacher learnt from examples of another mean or deviation. Draws no random number.
  at::Tensor Logits(const at::Tensor& inputs);

 private:
  SavedModel saved_;
  // The teacher's inputs are scale_ * inputs + shift_: float32 [1, C, 1, 1] or [1, columns], or undefined if both
  // standardise alike.
  at::Tensor scale_;
  at::Tensor shift_;
};

}  // namespace athanor::training
