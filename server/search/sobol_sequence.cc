#include "server/search/sobol_sequence.h"

#include <bit>
#include <boost/random/sobol.hpp>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace athanor {
namespace {

using Table = boost::random::default_sobol_table;
constexpr int kBits = SobolSequence::kBits;

double ToFraction(uint64_t bits) { return std::ldexp(static_cast<double>(bits), -kBits); }

// Joe and Kuo's recurrence: the first s numbers of a polynomial of degree s are given, the others follow.
std::array<uint64_t, kBits> DirectionsOf(int64_t dimension) {
  std::array<uint64_t, kBits> v = {};
  if (dimension == 0) {  // van der Corput's sequence
    for (int j = 0; j < kBits; ++j) v[static_cast<size_t>(j)] = uint64_t{1} << (kBits - 1 - j);
    return v;
  }
  const auto row = static_cast<size_t>(dimension - 1);
  const auto polynomial = static_cast<uint64_t>(Table::polynomial(row));
  const auto degree = static_cast<size_t>(std::bit_width(polynomial) - 1);
  for (size_t j = 0; j < kBits; ++j) {
    if (j < degree) {
      v[j] = static_cast<uint64_t>(Table::minit(row, j)) << (kBits - 1 - j);
      continue;
    }
    v[j] = v[j - degree] ^ (v[j - degree] >> degree);
    for (size_t k = 1; k < degree; ++k) {
      if ((polynomial >> (degree - k)) & 1) v[j] ^= v[j - k];
    }
  }
  return v;
}

}  // namespace

absl::StatusOr<SobolSequence> SobolSequence::Create(int64_t dimensions) {
  if (dimensions < 0 || dimensions > static_cast<int64_t>(Table::max_dimension)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Sobol sequence of ", dimensions, " dimensions; want 0 to ", int64_t{Table::max_dimension}));
  }
  std::vector<Directions> directions;
  for (int64_t d = 0; d < dimensions; ++d) directions.push_back(DirectionsOf(d));
  return SobolSequence(std::move(directions));
}

uint64_t SobolSequence::BitsOf(int64_t dimension, int64_t index) const {
  const Directions& v = directions_[static_cast<size_t>(dimension)];
  const auto i = static_cast<uint64_t>(index);
  uint64_t bits = 0;
  for (uint64_t gray = i ^ (i >> 1); gray != 0; gray &= gray - 1)
    bits ^= v[static_cast<size_t>(std::countr_zero(gray))];
  return bits;
}

double SobolSequence::At(int64_t dimension, int64_t index) const { return ToFraction(BitsOf(dimension, index)); }

double SobolSequence::ScrambledAt(int64_t dimension, int64_t index, uint64_t seed) const {
  const uint64_t bits = BitsOf(dimension, index);
  uint64_t flips = 0;
  for (int b = 0; b < kBits; ++b) {
    // One coin for each prefix: `bits` without bit b and what is below it, told from other lengths by a leading one.
    const uint64_t prefix = (uint64_t{1} << b) | (b == 0 ? 0 : bits >> (kBits - b));
    flips = flips << 1 | (HashWords({seed, prefix}) & 1);
  }
  return ToFraction(bits ^ flips);
}

}  // namespace athanor
