// Randomness as an input: a generator that is a pure function of its seed, with distributions written here, because
// those of the standard library differ between implementations and a study must give the same configurations
// everywhere.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace athanor {

// A fixed 64-bit hash of a sequence of words (SplitMix64's finaliser, chained). Stable for ever: seeds are stored.
uint64_t HashWords(std::initializer_list<uint64_t> words);
// FNV-1a, finished by the same mix. Stable for ever.
uint64_t HashString(std::string_view text);

// xoshiro256** 1.0 (Blackman and Vigna 2018), seeded through SplitMix64 as its authors advise. Not thread-safe;
// copyable.
class Random {
 public:
  explicit Random(uint64_t seed);
  // The generator of stream `words`: Random(HashWords(words)). Different words give independent streams.
  explicit Random(std::initializer_list<uint64_t> words) : Random(HashWords(words)) {}

  uint64_t Next();
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // Uniform in [0, bound). bound >= 1. Unbiased (rejection).
  uint64_t Below(uint64_t bound);
  // Standard normal (Box-Muller, one value a call, two uniforms consumed).
  double Normal();

  struct State {
    uint64_t words[4];
  };
  State state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  State state_;
};

// A pseudo-random permutation of [0, size): a Feistel network on the smallest even number of bits, walked until it
// falls inside. A pure function of (seed, size, index); O(1) memory and expected time. 1 <= size <= 2^62, 0 <= index <
// size.
uint64_t Permute(uint64_t seed, uint64_t size, uint64_t index);

}  // namespace athanor
