// One snapshot of a study for those who watch it, made in two steps: what memory holds on the owner thread, what only
// the store holds on the pool of reads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "athanor/v1/study_service.pb.h"
#include "server/coordinator/coordinator.h"
#include "server/store/store.h"

namespace athanor {

struct SnapshotDraft {
  static constexpr int kMaxRunning = 100;
  static constexpr int kMaxCurvePoints = 64;
  static constexpr int kMaxDecisions = 1000;

  v1::StudySnapshot snapshot;  // without decisions, and without the curves of finished trials
  std::vector<TrialNumber> finished_leaders;
  std::string metric;
  bool finished = false;  // the study has ended
};

// What is sent from one snapshot to the next. Used by one thread at a time.
struct WatchCursor {
  Revision decisions_after = 0;
  bool more_decisions = false;                             // the last snapshot had no room for all
  std::map<TrialNumber, v1::SparseCurve> finished_curves;  // of leaders: they do not change any more
};

// Running trials, the `top` best, the unfinished ones' curves, workers and the time left. Owner thread.
SnapshotDraft DraftSnapshot(Coordinator& coordinator, const LiveStudy& study, int top, MonotonicTime now);

// Adds decisions after the cursor and curves of finished leaders, and moves the cursor on. Blocks on the store.
absl::StatusOr<v1::StudySnapshot> CompleteSnapshot(Store& store, SnapshotDraft draft, WatchCursor& cursor);

// The time left by the study's own pace: ACTIVE time so far a trial done, trials under way counted by the part of the
// way that they have gone, paused ones as done. At most what wall_clock leaves. Nothing before there is a pace, for a
// study without end, and for one that is not ACTIVE. In milliseconds.
std::optional<int64_t> EstimateTimeLeft(const LiveStudy& study);

}  // namespace athanor
