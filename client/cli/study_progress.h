// How the best value of a study came about: against trials, steps and time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"
#include "athanor/v1/study_service.pb.h"
#include "client/api/study_client.h"

namespace athanor::cli {

// One objective value, when it was measured.
struct Reading {
  int64_t unix_ms = 0;
  int64_t trial = 0;
  int64_t step = 0;
  int64_t steps = 0;  // trained for it since the trial's reading before
  double value = 0;
};

// The readings of one trial: `curve` holds its objective, without archived rows; `attempts` are all of its attempts, in
// order of token, but may be left out for a trial with one. A reading belongs to the last attempt that went on from
// below its step, and was taken so long after that attempt's start as the training took: time spent on loading before
// the first step is not known and counts as none.
std::vector<Reading> ReadingsOf(const v1::Trial& trial, const v1::MetricCurve& curve,
                                std::span<const v1::Attempt> attempts);

// What had been spent when a value was reached. Values that are trained again after a lost checkpoint count once.
struct Spent {
  int64_t trials = 0;  // that had reported a value by then, this one included
  int64_t steps = 0;   // of the resource, over all trials
  int64_t ms = 0;      // since the study was created, pauses included
};

// The best value so far got better.
struct Improvement {
  Spent spent;
  double value = 0;
  int64_t trial = 0;
  int64_t step = 0;
};

struct StudyProgress {
  std::vector<Improvement> improvements;  // oldest first
  Spent spent;                            // when the last value was measured
};

// Non-finite values are no improvement, but cost what they cost. Values of the same millisecond count in order of
// trial.
StudyProgress Follow(std::vector<Reading> readings, v1::Goal goal, int64_t created_unix_ms);

// The first improvement that is at least as good as `value`; null if there is none.
const Improvement* FirstAsGoodAs(const StudyProgress& progress, double value, v1::Goal goal);

// "epochs" or "steps": what Spent::steps counts.
std::string StepsName(const v1::Study& study);

// Reads trials page by page, and each curve: one call a trial (two for one with several attempts), some 40 bytes of
// memory a measurement. Curves of more than 100,000 values are thinned.
absl::StatusOr<StudyProgress> ReadProgress(StudyClient& client, const v1::Study& study);

}  // namespace athanor::cli
