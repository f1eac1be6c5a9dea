// What a memory store holds, and how changes are applied to it so that they can be taken back.
//
// The maps mirror the tables of the SQLite store, with the same keys in the same order, so that both stores read rows
// out alike. Addresses of elements are stable: the undo log refers to them.
//
// Threads: none of its own; the caller holds one lock around everything. Nothing blocks or does I/O.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/store/store.h"

namespace athanor::memory {

// One value of one metric at one step. NaN is allowed.
struct MetricRow {
  double value = 0;
  int64_t elapsed_ms = 0;
};

// What one attempt reported.
struct AttemptRow {
  Attempt attempt;
  std::optional<int64_t> archived_after;                        // measurements past this step count no longer
  std::map<std::string, std::map<int64_t, MetricRow>> metrics;  // by name, then step
};

// A trial with everything below it.
struct TrialRow {
  Trial trial;
  std::map<Token, AttemptRow> attempts;
  std::vector<Metric> final_metrics;  // as put
};

// A study with everything below it: deleted as one.
struct StudyRow {
  StudyRecord record;
  std::map<TrialNumber, TrialRow> trials;                                       // dense from 0
  std::map<std::tuple<int64_t, int64_t, TrialNumber>, RungEntry> rung_entries;  // by bracket, rung, trial
  std::multimap<Revision, DecisionRecord> decisions;                            // equal revisions stay as added
  std::map<std::tuple<TrialNumber, int64_t, Token>, Checkpoint> checkpoints;    // by trial, step, token
  std::map<int64_t, EnqueuedConfiguration> enqueued;                            // by id
  int64_t last_enqueued_id = 0;                                                 // the largest ever pushed; 0 = none
  std::map<int64_t, PriorTrial> prior;                                          // by position
};

// The whole store. `study_names` and `tokens` are indexes over `studies`, kept by Apply.
struct Tables {
  std::map<StudyId, StudyRow> studies;
  std::map<std::string, StudyId> study_names;
  std::map<Token, std::pair<StudyId, TrialNumber>> tokens;  // of the attempts that exist
  std::map<std::string, WorkerRecord> workers;              // by name
  std::map<std::string, RequestRecord> requests;            // by id
  Store::HighestIds highest;                                // ever used, also by what is deleted
};

// Steps that take back what was applied, to be run from the last to the first.
using UndoLog = std::vector<std::function<void()>>;

// Applies one change to `tables` (which outlives the log) and adds to `undo` what takes it back, also if it fails half
// way: after an error the caller runs the log. Errors are those of the change (store.h): NOT_FOUND, ALREADY_EXISTS.
// Costs what the change touches, O(log n) in what the store holds.
absl::Status Apply(const Change& change, Tables& tables, UndoLog& undo);

}  // namespace athanor::memory
