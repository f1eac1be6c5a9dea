// How far apart two names are, for "did you mean".
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace athanor {

// Levenshtein's distance in bytes: the fewest insertions, deletions and substitutions that turn `a` into `b`. O(|a|
// |b|).
inline size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

// The candidate closest to `name`, the first among equals; empty if every one is further than a third of the longer
// name (at least 1), because then it was not a slip of the finger. Works for any range of things that convert to
// string_view.
template <typename Range>
std::string_view ClosestName(std::string_view name, const Range& candidates) {
  std::string_view closest;
  size_t best = static_cast<size_t>(-1);
  for (const std::string_view candidate : candidates) {
    // A name of a megabyte is no slip of the finger either, and would cost its length times the candidate's.
    if (name.size() > 2 * candidate.size() + 1) continue;
    const size_t distance = EditDistance(name, candidate);
    const size_t limit = (std::max(name.size(), candidate.size()) + 2) / 3;
    if (distance <= limit && distance < best) {
      best = distance;
      closest = candidate;
    }
  }
  return closest;
}

}  // namespace athanor
