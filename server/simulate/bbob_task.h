// A BBOB function as a task: a trial is one evaluation, and takes one second.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/simulate/bbob_function.h"
#include "server/simulate/task.h"

namespace athanor {

// Immutable; thread-safe.
class BbobTask final : public Task {
 public:
  // kContinuous: every coordinate a float in [-5, 5].
  // kMixed: of every five coordinates the fourth is an int in [0, 9] and the fifth one of the categories a to e: places
  // on a lattice, 1 and 2 apart, through the optimum, so that this can still be reached. Categories stand for places in
  // a seeded order.
  enum class Coordinates { kContinuous, kMixed };

  // As BbobFunction::Create.
  static absl::StatusOr<std::unique_ptr<BbobTask>> Create(int function, int dimensions, uint64_t instance,
                                                          Coordinates coordinates);

  // "f08-d5-i3", "f08-d5-i3-mixed".
  const std::string& name() const override { return study_.name; }
  const StudySpec& study() const override { return study_; }
  double unit_seconds() const override { return 1; }
  double optimum() const override { return function_.optimal_value(); }
  std::span<const Target> targets() const override { return {}; }
  std::unique_ptr<Play> NewPlay() const override;

  const BbobFunction& function() const { return function_; }
  std::vector<double> Locate(const Configuration& configuration) const;

 private:
  BbobTask(BbobFunction function, uint64_t instance, Coordinates coordinates);
  // The places of coordinate `index` on a lattice of `count` places, `apart` each.
  std::vector<double> Lattice(size_t index, int count, double apart) const;

  BbobFunction function_;
  StudySpec study_;
  std::vector<std::vector<double>> places_;  // by coordinate: of its values; empty for a float
};

}  // namespace athanor
