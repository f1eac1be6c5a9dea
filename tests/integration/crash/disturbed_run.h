// The history of calls, with a coordinator that dies.
#pragma once

#include "tests/integration/crash/reference.h"

namespace athanor {

// Whether what the call does is on disk when the coordinator dies.
enum class Durable {
  kNo,
  kYes,
  kEither,  // all of it or nothing
};

// Runs the history in a folder of its own. In every call that passes the point so often the coordinator dies there, is
// started again, is asked what it knows, and gets all calls until then once more, twice the one in which it died. Fails
// the test if it knows more or less than the undisturbed one, or tells a repeated call anything else. Returns how often
// it died.
int RunDisturbed(const Reference& reference, const Death& death, Durable durable);

}  // namespace athanor
