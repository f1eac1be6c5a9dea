// How single values are written for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "athanor/v1/study.pb.h"
#include "athanor/v1/study_service.pb.h"
#include "client/cli/styled_text.h"

namespace athanor::cli {

// Four significant digits, trailing zeros dropped: "0.0123", "64", "1.2e-05", "nan", "inf", "-inf".
std::string FormatNumber(double value);
// A metric's value in a column: four decimals where that shows at least two significant digits, else as FormatNumber.
std::string FormatMetric(double value);
// "850ms", "4.2s", "42s", "2m31s", "2h05m", "3d04h".
std::string FormatDuration(int64_t milliseconds);
// "-" for 0 (not yet), else the time since as FormatDuration, with " ago".
std::string FormatAge(int64_t unix_ms, int64_t now_unix_ms);
// "UTC" date and time, "2026-01-31 14:05:09Z"; "-" for 0.
std::string FormatTime(int64_t unix_ms);
// "512 B", "3.4 KiB", "1.2 GiB".
std::string FormatBytes(int64_t bytes);

// "true", "32", "0.0123", "sgd".
std::string FormatValue(const v1::Value& value);
// "learning_rate=0.0123 optimizer=sgd".
std::string FormatParameters(const google::protobuf::RepeatedPtrField<v1::NamedValue>& parameters);

// ASCII letters in the other case.
std::string Lower(std::string text);
std::string Upper(std::string text);

// "ACTIVE", "RUNNING", ...; "UNKNOWN" for a value of a newer coordinator.
std::string StateName(v1::StudyState state);
std::string StateName(v1::TrialState state);
std::string StateName(v1::WorkerState state);
std::string OutcomeName(v1::AttemptOutcome outcome);  // "LIVE" while it lasts
std::string ActionName(v1::Action action);

Style StateStyle(v1::StudyState state);
Style StateStyle(v1::TrialState state);
Style StateStyle(v1::WorkerState state);

bool IsFinished(v1::StudyState state);
bool IsFinished(v1::TrialState state);

// How a trial ended or where it stands: "completed", "pruned at rung 1 (step 9)", "paused at rung 0 (step 1)", "pruned
// at step 4", "running", "failed: ...". `rungs` are the steps of the study's rungs.
std::string FormatEnd(const v1::Trial& trial, const google::protobuf::RepeatedField<int64_t>& rungs);

// The method that a study searches with: what `auto` picked, where it asked for that.
const std::string& EffectiveMethod(const v1::Search& search);

// "random, seed 42"; "auto: tpe, seed 42, 10 start-up trials, 0.2 random (because ...)".
std::string FormatSearch(const v1::Search& search);

// "asha 1 to 27, factor 3, 2 brackets", "hyperband 1 to 81, factor 3", "patience 5, then threshold to 10", "median",
// "none".
std::string FormatStopping(const v1::EarlyStopping& stopping, int64_t max_resource);

// "1 (pauses from step 3 on)"; empty where the rule has no brackets, or one.
std::string FormatBracket(const v1::Trial& trial, const v1::Study& study);

// "epoch" or "step", with an s unless there is one of them.
std::string FormatSteps(int64_t count, v1::Resource resource);

}  // namespace athanor::cli
