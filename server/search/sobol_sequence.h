// The Sobol sequence (Sobol 1967) with the direction numbers of Joe and Kuo (2008, SIAM J. Sci. Comput. 30, 2635-2654),
// scrambled as Owen (1995) proposed: every bit of a coordinate is flipped or not by a fixed coin for the bits above it.
// Scrambling keeps every balance of the sequence and makes each point uniform by itself.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace athanor {

// Points in the order of Gray codes, from the first: nothing is skipped. Among the first 2^k points every interval
// [j / 2^k, (j + 1) / 2^k) of every coordinate holds exactly one.
//
// Immutable; thread-safe. A coordinate costs O(bits set in `index`), scrambled about 0.2 us more.
class SobolSequence {
 public:
  static constexpr int kBits = 53;  // of a coordinate; the first 2^53 points are distinct in it

  // INVALID_ARGUMENT unless 0 <= dimensions <= 3667.
  static absl::StatusOr<SobolSequence> Create(int64_t dimensions);

  // Coordinate `dimension` of point `index`, 0 <= index < 2^53, in [0, 1); a multiple of 2^-53.
  double At(int64_t dimension, int64_t index) const;
  // The same under the scrambling number `seed` of that dimension. Different seeds are independent.
  double ScrambledAt(int64_t dimension, int64_t index, uint64_t seed) const;

 private:
  using Directions = std::array<uint64_t, kBits>;  // V_1, V_2, ... as integers below 2^53
  explicit SobolSequence(std::vector<Directions> directions) : directions_(std::move(directions)) {}
  uint64_t BitsOf(int64_t dimension, int64_t index) const;

  std::vector<Directions> directions_;
};

}  // namespace athanor
