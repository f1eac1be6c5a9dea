// What a memory store holds, and how changes are applied to it so that they can be taken back.
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

struct MetricRow {
  double value = 0;
  int64_t elapsed_ms = 0;
};

struct AttemptRow {
  Attempt attempt;
  std::optional<int64_t> archived_after;                        // measurements past this step count no longer
  std::map<std::string, std::map<int64_t, MetricRow>> metrics;  // by name, then step
};

struct TrialRow {
  Trial trial;
  std::map<Token, AttemptRow> attempts;
  std::vector<Metric> final_metrics;
};

struct StudyRow {
  StudyRecord record;
  std::map<TrialNumber, TrialRow> trials;
  std::map<std::tuple<int64_t, int64_t, TrialNumber>, RungEntry> rung_entries;  // by bracket, rung, trial
  std::multimap<Revision, DecisionRecord> decisions;                            // equal revisions stay as added
  std::map<std::tuple<TrialNumber, int64_t, Token>, Checkpoint> checkpoints;    // by trial, step, token
  std::map<int64_t, EnqueuedConfiguration> enqueued;
  int64_t last_enqueued_id = 0;
  std::map<int64_t, PriorTrial> prior;  // by position
};

struct Tables {
  std::map<StudyId, StudyRow> studies;
  std::map<std::string, StudyId> study_names;
  std::map<Token, std::pair<StudyId, TrialNumber>> tokens;  // of the attempts that exist
  std::map<std::string, WorkerRecord> workers;
  std::map<std::string, RequestRecord> requests;
  Store::HighestIds highest;
};

// Steps that take back what was applied, to be run from the last to the first.
using UndoLog = std::vector<std::function<void()>>;

// Applies one change to `tables` (which outlives the log) and adds to `undo` what takes it back, also if it fails half
// way.
absl::Status Apply(const Change& change, Tables& tables, UndoLog& undo);

}  // namespace athanor::memory
