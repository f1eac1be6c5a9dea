// The words by which enumerations stand in the file: readable in any SQLite shell, and independent of the order in
// which the code lists an enumeration.
//
// They are the format: an entry is never changed or removed, only added, and a program that is older than a word
// refuses the row that holds it. What is new here needs no migration, but a database in which it was written once can
// no longer be served by an older program: add a word together with a schema version.
//
// Which word stands in which column is said beside the column, in migrations/. Words of states and outcomes are in
// upper case, as the client prints them; those that a study file holds are in lower case, as they stand there.
//
// Cost: all are constants; the tables have at most nine entries and are searched from the front.
// Threads: any number. Nothing here does I/O.
// Errors are thrown (SQLite::Exception), as everywhere in sqlite/, and become a Status where the store is left.
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

// Every value of Enum once, with its word; no word twice. A value that is left out is not found by the compiler but by
// the first row that is to hold it (ToWord).
template <typename Enum, size_t kCount>
using Words = std::array<std::pair<Enum, const char*>, kCount>;

// The word of `value`, a literal that lives for ever. Throws SQLITE_MISUSE, which leaves the store as INTERNAL
// (errors.h), if it has none: that is a mistake in this file, or a number that is no value of the enumeration.
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
