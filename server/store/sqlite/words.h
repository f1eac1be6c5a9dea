// The words by which enumerations stand in the file: readable in any SQLite shell, and independent of the order in
// which the code lists an enumeration.
//
// They are the format: an entry is never changed or removed, only added, and a program that is older than a word
// refuses the row that holds it. All constants; the tables are short and searched from the front.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "SQLiteCpp/Exception.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"
#include "server/store/store.h"
#include "sqlite3.h"

namespace athanor::sqlite {

// Every value of Enum once, with its word.
template <typename Enum, size_t kCount>
using Words = std::array<std::pair<Enum, const char*>, kCount>;

// The word of `value`. Throws SQLITE_MISUSE, which leaves the store as INTERNAL (errors.h), if it has none.
template <typename Enum, size_t kCount>
const char* ToWord(const Words<Enum, kCount>& words, Enum value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  throw SQLite::Exception("an enumeration has a value without a word", SQLITE_MISUSE);
}

// The value whose word is `word`, case and all. Throws SQLITE_CORRUPT, which leaves the store as DATA_LOSS, if no entry
// has it: only a newer program, or damage, can have put it there.
template <typename Enum, size_t kCount>
Enum FromWord(const Words<Enum, kCount>& words, std::string_view word) {
  for (const auto& [value, candidate] : words) {
    if (candidate == word) return value;
  }
  throw SQLite::Exception("a row holds the unknown word '" + std::string(word) + "'", SQLITE_CORRUPT);
}

inline constexpr Words<StudyState, 5> kStudyStates{{{StudyState::kActive, "ACTIVE"},
                                                    {StudyState::kPaused, "PAUSED"},
                                                    {StudyState::kCompleted, "COMPLETED"},
                                                    {StudyState::kCancelled, "CANCELLED"},
                                                    {StudyState::kFailed, "FAILED"}}};

inline constexpr Words<TrialState, 8> kTrialStates{{{TrialState::kWaiting, "WAITING"},
                                                    {TrialState::kRunning, "RUNNING"},
                                                    {TrialState::kPaused, "PAUSED"},
                                                    {TrialState::kCompleted, "COMPLETED"},
                                                    {TrialState::kPruned, "PRUNED"},
                                                    {TrialState::kFailed, "FAILED"},
                                                    {TrialState::kInfeasible, "INFEASIBLE"},
                                                    {TrialState::kCancelled, "CANCELLED"}}};

inline constexpr Words<AttemptOutcome, 9> kAttemptOutcomes{{{AttemptOutcome::kLive, "LIVE"},
                                                            {AttemptOutcome::kCompleted, "COMPLETED"},
                                                            {AttemptOutcome::kPaused, "PAUSED"},
                                                            {AttemptOutcome::kPruned, "PRUNED"},
                                                            {AttemptOutcome::kFailed, "FAILED"},
                                                            {AttemptOutcome::kInfeasible, "INFEASIBLE"},
                                                            {AttemptOutcome::kCancelled, "CANCELLED"},
                                                            {AttemptOutcome::kLost, "LOST"},
                                                            {AttemptOutcome::kPreempted, "PREEMPTED"}}};

inline constexpr Words<Action, 3> kActions{
    {{Action::kContinue, "CONTINUE"}, {Action::kPause, "PAUSE"}, {Action::kPrune, "PRUNE"}}};

inline constexpr Words<WorkerStanding, 3> kWorkerStandings{{{WorkerStanding::kEnabled, "ENABLED"},
                                                            {WorkerStanding::kDraining, "DRAINING"},
                                                            {WorkerStanding::kQuarantined, "QUARANTINED"}}};

inline constexpr Words<Resource, 2> kResources{{{Resource::kEpoch, "epoch"}, {Resource::kStep, "step"}}};

inline constexpr Words<Goal, 2> kGoals{{{Goal::kMaximize, "maximize"}, {Goal::kMinimize, "minimize"}}};

inline constexpr Words<Scale, 2> kScales{{{Scale::kLinear, "linear"}, {Scale::kLog, "log"}}};

inline constexpr Words<ParameterType, 3> kParameterTypes{
    {{ParameterType::kFloat, "float"}, {ParameterType::kInt, "int"}, {ParameterType::kCategorical, "categorical"}}};

}  // namespace athanor::sqlite
