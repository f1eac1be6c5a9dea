// Names a change for error messages: what it does, and to which study, trial and attempt.
#pragma once

#include <string>

#include "server/store/store.h"

namespace athanor {

// "AddMeasurement of study 3, trial 17, token 40, step 5".
std::string Describe(const Change& change);

}  // namespace athanor
