// What studies, trials and attempts are called.
#pragma once

#include <cstdint>

namespace athanor {

using StudyId = int64_t;      // from 1, never reused
using TrialNumber = int64_t;  // dense from 0 in its study
using Token = int64_t;        // fencing token of an attempt; grows with every attempt of every trial of the coordinator
using Revision = int64_t;     // of a study; grows with every committed change

}  // namespace athanor
