// The one door to durable facts. A store applies batches of changes atomically and durably, and reads back what was committed.
//
// Two implementations pass one contract suite: memory (tests, simulation) and sqlite/ (the only place with SQL).
//
// Threads: one writer thread calls Commit and the Load functions; the Read functions may be called from any thread, at any time, and see
// committed facts only. All calls block on I/O.
//
// Errors: RESOURCE_EXHAUSTED: disk full. UNAVAILABLE: I/O error, read-only or locked file; a later call may succeed. DATA_LOSS: the file is
// corrupt (names it). FAILED_PRECONDITION: schema newer than this program. NOT_FOUND: no such study or trial.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/ids.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"

namespace athanor {

struct StudyRecord {
  StudyId id = 0;
  StudySpec spec;
  StudyState state = StudyState::kActive;
  std::string reason;
  WallTime created{};
  WallTime ended{};
  int64_t active_ms = 0;
  Revision revision = 0;
};

// What a worker said of itself when it registered, and what was decided about it.
struct DeviceRecord {
  std::string kind;
  std::string name;
  int64_t memory_bytes = 0;
};
enum class WorkerStanding { kEnabled, kDraining, kQuarantined };
struct WorkerRecord {
  std::string name;
  uint64_t incarnation = 0;
  std::string host;
  int64_t slots = 0;
  std::vector<DeviceRecord> devices;
  std::map<std::string, std::string> labels;
  std::vector<std::string> trainers;
  std::vector<std::string> datasets;
  std::string option_table_hash;
  WorkerStanding standing = WorkerStanding::kEnabled;
  std::string reason;
  WallTime last_seen{};
};

// A configuration queued by a user; nullopt entries are completed by the search method.
struct EnqueuedConfiguration {
  int64_t id = 0;  // grows within the study; never reused
  Configuration fixed;
};

// A client call that was answered, so that repeating it changes nothing.
struct RequestRecord {
  std::string id;
  std::string method;       // "CreateStudy", ...
  std::string fingerprint;  // SHA-256 of the request
  StudyId study = 0;
  std::optional<TrialNumber> trial;
  int64_t position = 0;     // of EnqueueTrial
  WallTime at{};
};

// ---- Changes. Applied in order. Each is one fact; rows it replaces are named by the same key. ----
struct PutStudy { StudyRecord study; };                  // inserts, or updates state, reason, times, active_ms, revision, budget, priority
struct DeleteStudy { StudyId study; };                   // with everything under it; the id is never reused
struct InsertTrial { StudyId study; Trial trial; };
struct UpdateTrial { StudyId study; Trial trial; };      // everything but configuration, index, seed and created
struct InsertAttempt { StudyId study; Attempt attempt; };
struct UpdateAttempt { StudyId study; Attempt attempt; };  // ended, outcome, reason, resumed_step, environment; key is the token
struct AddMeasurement { StudyId study; TrialNumber trial; Token token; Measurement measurement; };
// Rows of the trial past `step` that count do so no longer. `by`: the attempt that goes on from `step`.
struct ArchiveMeasurements { StudyId study; TrialNumber trial; int64_t step; Token by; };
struct PutRungEntry { StudyId study; RungEntry entry; };   // key: bracket, rung, trial
struct AddDecision { StudyId study; DecisionRecord decision; };
struct AddCheckpoint { StudyId study; Checkpoint checkpoint; };  // key: trial, token, step
struct RemoveCheckpoint { StudyId study; Checkpoint checkpoint; };
struct PutFinalMetrics { StudyId study; TrialNumber trial; std::vector<Metric> metrics; };
struct PushEnqueued { StudyId study; EnqueuedConfiguration configuration; };
struct PopEnqueued { StudyId study; int64_t id; };
struct PutWorker { WorkerRecord worker; };
struct PutRequest { RequestRecord request; };
struct ForgetRequests { WallTime before; };

using Change = std::variant<PutStudy, DeleteStudy, InsertTrial, UpdateTrial, InsertAttempt, UpdateAttempt, AddMeasurement,
                            ArchiveMeasurements, PutRungEntry, AddDecision, AddCheckpoint, RemoveCheckpoint, PutFinalMetrics,
                            PushEnqueued, PopEnqueued, PutWorker, PutRequest, ForgetRequests>;
using ChangeBatch = std::vector<Change>;

// Everything that the memory of a study is rebuilt from.
struct StudyImage {
  StudyRecord study;
  std::vector<Trial> trials;                 // by number, dense
  std::vector<RungEntry> rung_entries;       // in order of bracket, rung, trial
  std::vector<Checkpoint> checkpoints;       // in order of trial, step, token
  std::vector<EnqueuedConfiguration> enqueued;  // in order of id
  std::vector<Attempt> live_attempts;        // by token
  // For live attempts: what each of them reported, by step (of its own token, archived or not).
  struct LiveMeasurements {
    Token token = 0;
    std::vector<Measurement> measurements;
  };
  std::vector<LiveMeasurements> live_measurements;
};

// One point of a curve.
struct CurvePoint {
  int64_t step = 0;
  double value = 0;
  int64_t elapsed_ms = 0;
};
struct MetricCurve {
  std::string metric;
  std::vector<CurvePoint> points;  // by step
};
enum class Archived { kLeaveOut, kInclude };

struct StoreSize {
  std::string path;  // "" for memory
  int64_t bytes = 0;
  int32_t schema_version = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // All of the batch or nothing; durable when it returns OK.
  virtual absl::Status Commit(const ChangeBatch& batch) = 0;

  // ---- Writer thread ----
  virtual absl::StatusOr<std::vector<StudyId>> LoadStudyIds() = 0;  // ascending
  virtual absl::StatusOr<StudyImage> LoadStudy(StudyId study) = 0;
  virtual absl::StatusOr<std::vector<WorkerRecord>> LoadWorkers() = 0;  // by name
  // The largest study id and token ever used; 0 if none.
  struct HighestIds {
    StudyId study = 0;
    Token token = 0;
  };
  virtual absl::StatusOr<HighestIds> LoadHighestIds() = 0;
  virtual absl::StatusOr<std::optional<RequestRecord>> FindRequest(const std::string& id) = 0;

  // ---- Any thread ----
  // The curves of a trial, by metric name; all metrics if `metrics` is empty.
  virtual absl::StatusOr<std::vector<MetricCurve>> ReadCurves(StudyId study, TrialNumber trial,
                                                              const std::vector<std::string>& metrics, Archived archived) = 0;
  // Curves of `metric` of every COMPLETED trial, by trial: (step, value).
  struct TrialCurve {
    TrialNumber trial = 0;
    std::vector<CurvePoint> points;
  };
  virtual absl::StatusOr<std::vector<TrialCurve>> ReadCompletedCurves(StudyId study, const std::string& metric) = 0;
  virtual absl::StatusOr<std::vector<Attempt>> ReadAttempts(StudyId study, TrialNumber trial) = 0;  // by token
  // In order of revision. At most `limit`, the first ones after `after`. `trial`: only that one's.
  virtual absl::StatusOr<std::vector<DecisionRecord>> ReadDecisions(StudyId study, std::optional<TrialNumber> trial, Revision after,
                                                                    int64_t limit) = 0;
  virtual absl::StatusOr<std::vector<Metric>> ReadFinalMetrics(StudyId study, TrialNumber trial) = 0;
  virtual absl::StatusOr<StoreSize> ReadSize() = 0;
};

}  // namespace athanor
