// What `search.method: auto` stands for.
#pragma once

#include <string>

#include "server/core/study_spec.h"

namespace athanor {

struct MethodChoice {
  std::string method;  // random | sobol | tpe | gp | cmaes
  std::string reason;  // one sentence with the numbers that decided
};

// The method for a completed spec, by its budget, its parameters, how many trials run at once and whether trials stop
// early. The first that applies; the first two only for a study that starts from no earlier one, from which they would
// learn nothing:
//  * random: the trials cover every configuration, so only the order is left to choose: a random one.
//  * sobol: no more trials than a model wants to start with, or all of them run at once, so that no model is ever asked
//    with results.
//  * tpe: conditional parameters, or more than a third of them categorical: no metric of the space means much.
//  * cmaes: at least kManyTrials trials over numbers alone, none stopped early.
//  * gp: at most kFewTrials trials, of which at most kFewParallel run at once, over at most kFewParameters parameters.
//  * tpe.
// `spec` is completed; nothing else is looked at, and what the answer says was picked before is not either. Pure.
MethodChoice ChooseMethod(const StudySpec& spec);

constexpr int64_t kManyTrials = 5'000;
constexpr int64_t kFewTrials = 2'000;
constexpr int64_t kFewParallel = 32;
constexpr int64_t kFewParameters = 20;

// Writes the choice into a completed spec that asks for `auto` and has none yet; changes no other spec.
void PickMethod(StudySpec& spec);

}  // namespace athanor
