// What an evaluation keeps of its batches until the end.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace athanor::training {

// A sum over batches that stays on its device until it is asked for, so that no batch waits for the device.
class DeviceSum {
 public:
  // Every addend has the same shape, dtype and device; it must belong to nobody else.
  void Add(const at::Tensor& addend);
  // Undefined if nothing was added.
  const at::Tensor& tensor() const { return sum_; }
  // Of a scalar; waits for the device. 0 if nothing was added.
  double Total() const;

 private:
  at::Tensor sum_;
};

// Rows of all batches, in order, on the CPU. Bringing them over waits for the device, once a batch.
class GatheredRows {
 public:
  // float32 [B, columns], on any device; the same columns each time.
  void Add(const at::Tensor& rows);
  // float32 [N, columns] on the CPU. At least one batch must have been added.
  at::Tensor All() const;

 private:
  std::vector<at::Tensor> batches_;
};

}  // namespace athanor::training
