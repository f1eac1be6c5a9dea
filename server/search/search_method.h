// The one interface of search. A method is a pure function of what it is shown: no clock, no I/O, no state that its
// answers depend on. Values are oriented: smaller is better, non-finite is +inf.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/core/ladder.h"
#include "server/core/prior_trial.h"
#include "server/core/search_space.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"

namespace athanor {

// What a method may look at: live structures of the study's owner. Valid during the call only.
struct SearchView {
  std::span<const Trial> trials;           // by number
  Goal goal = Goal::kMinimize;             // of the values in `trials`
  const Ladder* ladder = nullptr;          // what entered the rungs; null without a rule that has rungs
  std::span<const int64_t> rungs = {};     // their steps, lowest first
  std::span<const PriorTrial> prior = {};  // of the studies that this one starts from
};

class SearchMethod {
 public:
  virtual ~SearchMethod() = default;

  virtual std::string_view name() const = 0;

  // How many suggestions there are; nullopt = no end. Grid: every point.
  virtual std::optional<int64_t> Count() const { return std::nullopt; }

  // Suggestion `index` (from 0; < Count()). Always passes SearchSpace::Check. `fixed`: values that an enqueued partial
  // configuration prescribes, nullopt elsewhere; the rest is completed as the method would have chosen it. Empty:
  // nothing is fixed. Grid, random and sobol: a pure function of (seed, index, fixed); model-based methods also of the
  // view. Thread-safe.
  virtual Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const = 0;

  // Whether a suggestion may take longer than about 100 microseconds, so that it belongs on a pool of threads.
  virtual bool IsSlow() const { return false; }

  // Suggest in two halves: this one collects what the suggestion depends on, a light pass over the view; what it
  // returns computes the same answer and owns all it looks at, so that it may run later, on any thread, once. The
  // method must outlive it.
  using Work = std::function<Configuration()>;
  virtual Work Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const;
};

// The method that a completed spec asks for (`picked`, where it asks for `auto`). `space` must outlive it.
// INVALID_ARGUMENT on an unknown method or what it cannot search (a grid over a float without points or step); the
// message starts with the key path.
absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearchMethod(const StudySpec& spec, const SearchSpace& space);

}  // namespace athanor
