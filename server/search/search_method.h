// The one interface of search. A method is a pure function of what it is shown: no clock, no I/O, no state of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/core/search_space.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"

namespace athanor {

// What a method may look at. Valid during the call only.
struct SearchView {
  std::span<const Trial> trials;  // by number
};

class SearchMethod {
 public:
  virtual ~SearchMethod() = default;

  virtual std::string_view name() const = 0;

  // How many suggestions there are; nullopt = no end. Grid: every point.
  virtual std::optional<int64_t> Count() const { return std::nullopt; }

  // Suggestion `index` (from 0; < Count()). Always passes SearchSpace::Check. `fixed`: values that an enqueued partial
  // configuration prescribes, nullopt elsewhere; the rest is completed as the method would have chosen it. Empty:
  // nothing is fixed. Grid and random: a pure function of (seed, index, fixed). Thread-safe.
  virtual Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const = 0;
};

// The method that a completed spec asks for. `space` must outlive it. INVALID_ARGUMENT on an unknown method or what it
// cannot search (a grid over a float without points or step); the message starts with the key path.
absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearchMethod(const StudySpec& spec, const SearchSpace& space);

}  // namespace athanor
