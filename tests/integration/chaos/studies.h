// The studies of a chaos run: one of each kind of promise that faults may not break.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace athanor::chaos {

// What must be the same in a disturbed and an undisturbed run.
enum class Promise {
  kSameTrials,  // every trial: its configuration, its seed, its values, its end
  kSameValues,  // the value at each (configuration, seed, step) that both runs have
};

struct ChaosStudy {
  std::string name;
  std::string kind;  // the label of the workers that run it
  Promise promise = Promise::kSameTrials;
  int parallel = 1;
  std::string yaml;
};

// The kinds of workers. Those of kind `driven` are the driver's.
inline constexpr char kSyntheticKind[] = "synthetic";
inline constexpr char kTorchKind[] = "torch";

enum class Torch { kNone, kSome };  // whether there is a trainer with LibTorch

// `scale`: how much work, 1 being about a minute for two trials at once at 80 ms a step.
std::vector<ChaosStudy> MakeStudies(uint64_t seed, double scale, Torch torch);

}  // namespace athanor::chaos
