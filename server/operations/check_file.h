// Everything that can be known of a database file: is it sound by SQLite's rules, can its history have come about, are
// the files of its checkpoints there.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "server/check/history_check.h"
#include "server/store/sqlite/snapshot.h"

namespace athanor {

enum class FindingKind {
  kFile,        // the file is damaged, or not what a coordinator writes
  kHistory,     // its facts contradict each other
  kCheckpoint,  // a checkpoint's file is missing or damaged: its trial falls back to an older one, or starts over
};
struct Finding {
  FindingKind kind;
  std::string text;  // one line
};

struct CheckFileOptions {
  SnapshotOptions snapshot;
  std::string checkpoint_dir;  // empty: the files of checkpoints are not looked at
};

struct CheckFileSummary {
  int32_t schema_version = 0;
  HistoryCounts history;
  int64_t checkpoints = 0;
  int64_t findings = 0;
};

// Calls `found` once a finding, on this thread. A damaged file ends the check there: its facts would mean nothing.
// Works beside a running coordinator: all is seen as it was at one moment, and a checkpoint that was deleted since is
// no finding. Reads every page of the file and every byte of the checkpoints.
//
// Errors: those of SqliteSnapshot, but for DATA_LOSS, which is a finding: it could not be checked at all.
absl::StatusOr<CheckFileSummary> CheckFile(const CheckFileOptions& options,
                                           const std::function<void(const Finding&)>& found);

}  // namespace athanor
