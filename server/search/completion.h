// Completing configurations of which some values are given, the same for every method.
#pragma once

#include "absl/functional/function_ref.h"
#include "server/core/search_space.h"

namespace athanor {

// The value that a method chooses for an active parameter.
using ChooseValue = absl::FunctionRef<Value(size_t parameter)>;
// The one it chooses among those that keep every given value active; asked only where its first choice is none of them.
// Not empty.
using ChooseAmong = absl::FunctionRef<Value(size_t parameter, const std::vector<Value>& allowed)>;

// A configuration that holds every value of `fixed` (empty: none; else one or none a parameter, accepted by
// SearchSpace::AllowedValues) and, for every other parameter that is active then, the method's choice. Parents are
// chosen before children. A given value that the others leave inactive (AllowedValues refuses such a configuration) is
// dropped rather than passed on.
Configuration CompleteConfiguration(const SearchSpace& space, const Configuration& fixed, ChooseValue choose,
                                    ChooseAmong choose_among);

}  // namespace athanor
