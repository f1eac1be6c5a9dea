#include "base/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace athanor {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;

uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t HashWords(std::initializer_list<uint64_t> words) {
  uint64_t hash = kGolden * (words.size() + 1);
  for (const uint64_t word : words) hash = Mix(hash ^ Mix(word + kGolden)) + kGolden;
  return Mix(hash);
}

uint64_t HashString(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return Mix(hash);
}

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_.words) word = Mix(seed += kGolden);
}

uint64_t Random::Next() {
  uint64_t* s = state_.words;
  const uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Random::Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

uint64_t Random::Below(uint64_t bound) {
  const uint64_t limit = -bound % bound;  // 2^64 mod bound: values under it would bias
  for (;;) {
    const uint64_t x = Next();
    if (x >= limit) return x % bound;
  }
}

double Random::Normal() {
  const double u = 1.0 - Uniform();  // (0, 1]
  const double v = Uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

uint64_t Permute(uint64_t seed, uint64_t size, uint64_t index) {
  if (size <= 1) return 0;
  const int half = (std::bit_width(size - 1) + 1) / 2;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  do {
    uint64_t left = index >> half, right = index & mask;
    for (uint64_t round = 0; round < 8; ++round) {
      const uint64_t next = left ^ (HashWords({seed, round, right}) & mask);
      left = right;
      right = next;
    }
    index = (left << half) | right;
  } while (index >= size);
  return index;
}

}  // namespace athanor
