// The one door to durable facts. A store applies batches of changes atomically and durably, and reads back what was
// committed.
//
// Two implementations pass one contract suite: memory (tests, simulation) and sqlite/ (the only place with SQL).
//
// Threads: one writer thread calls Commit and the Load functions; the Read functions may be called from any thread, at
// any time, and see committed facts only: each of them sees one committed state. All calls block on I/O.
//
// Errors: RESOURCE_EXHAUSTED: disk full. UNAVAILABLE: I/O error, read-only or locked file; a later call may succeed.
// DATA_LOSS: the file is corrupt (names it). NOT_FOUND: no such study, trial or attempt. ALREADY_EXISTS: a row that is
// inserted once is there already. After an error of Commit the store is what it was before, and the same batch may be
// committed again.
//
// Doubles: NaN (without its payload) and infinities survive; the sign of a zero need not. Texts are any bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/ids.h"
#include "server/core/prior_trial.h"
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
  Token trusted_from = 0;  // failures of attempts with lower tokens are forgiven
};

// A configuration queued by a user; nullopt entries are completed by the search method.
struct EnqueuedConfiguration {
  int64_t id = 0;  // grows within the study; never reused
  Configuration fixed;
};

// A checkpoint that was deleted because nothing needed it.
struct CollectedCheckpoint {
  Checkpoint checkpoint;
  std::string reason;  // why nothing did
};

// A client call that was answered, so that repeating it changes nothing.
struct RequestRecord {
  std::string id;
  std::string method;       // "CreateStudy", ...
  std::string fingerprint;  // SHA-256 of the request
  StudyId study = 0;
  std::optional<TrialNumber> trial;
  int64_t position = 0;  // of EnqueueTrial
  WallTime at{};
  std::vector<CollectedCheckpoint> collected = {};  // by CollectGarbage, in the order of its answer
};

// ---- Changes. Applied in order. Each is one fact; rows it replaces are named by the same key. ----
// A Put inserts or replaces. An Insert, an Add or a Push of a key that exists is ALREADY_EXISTS; Adds of checkpoints
// replace. An Update of a key that does not exist is NOT_FOUND, and so is any change under a study, trial or attempt
// that does not exist. Removing what is not there is no error.

// Inserts, or updates state, reason, times, active_ms, revision, budget, priority. A new id is larger than any before
// (else NOT_FOUND: the study is gone), and a new name differs from those that exist (else ALREADY_EXISTS).
// spec.budget.target is not NaN. Shared, not held: it is three times as large as any other row, and would make every
// row of a batch as large.
struct PutStudy {
  explicit PutStudy(StudyRecord record) : study(std::make_shared<const StudyRecord>(std::move(record))) {}
  std::shared_ptr<const StudyRecord> study;
};

// With everything under it. The id is never reused.
struct DeleteStudy {
  StudyId study;
};

// The configuration has one entry a parameter of its study, here and in PushEnqueued.
struct InsertTrial {
  StudyId study;
  Trial trial;
};

struct UpdateTrial {
  StudyId study;
  TrialStatus trial;
};

// Key: the token, among all attempts of all studies.
struct InsertAttempt {
  StudyId study;
  Attempt attempt;
};

// Everything but worker, started and acquire_sequence.
struct UpdateAttempt {
  StudyId study;
  Attempt attempt;
};

// Key: token, step, metric. A later one may bring further metrics of the same step. Without metrics it adds nothing.
struct AddMeasurement {
  StudyId study;
  TrialNumber trial;
  Token token;
  Measurement measurement;
};

// Rows of the trial past `step` that count do so no longer, except those of `by`: the attempt that goes on from `step`.
// Later rows of the other attempts past `step` would not count either.
struct ArchiveMeasurements {
  StudyId study;
  TrialNumber trial;
  int64_t step;
  Token by;
};

// Key: bracket, rung, trial.
struct PutRungEntry {
  StudyId study;
  RungEntry entry;
};

// Several may share a revision.
struct AddDecision {
  StudyId study;
  DecisionRecord decision;
};

// Key: trial, token, step. Replaces.
struct AddCheckpoint {
  StudyId study;
  Checkpoint checkpoint;
};
struct RemoveCheckpoint {
  StudyId study;
  Checkpoint checkpoint;
};

// Replaces all of the trial's.
struct PutFinalMetrics {
  StudyId study;
  TrialNumber trial;
  std::vector<Metric> metrics;
};

// Key: id.
struct PushEnqueued {
  StudyId study;
  EnqueuedConfiguration configuration;
};
struct PopEnqueued {
  StudyId study;
  int64_t id;
};

// Key: position. The configuration has one entry a parameter of the study that starts from it.
struct AddPriorTrial {
  StudyId study;
  int64_t position;
  PriorTrial trial;
};

// Key: name. Shared, as in PutStudy.
struct PutWorker {
  explicit PutWorker(WorkerRecord record) : worker(std::make_shared<const WorkerRecord>(std::move(record))) {}
  std::shared_ptr<const WorkerRecord> worker;
};

// Key: id. Independent of whether the study still exists.
struct PutRequest {
  RequestRecord request;
};

// Those strictly older.
struct ForgetRequests {
  WallTime before;
};

using Change =
    std::variant<PutStudy, DeleteStudy, InsertTrial, UpdateTrial, InsertAttempt, UpdateAttempt, AddMeasurement,
                 ArchiveMeasurements, PutRungEntry, AddDecision, AddCheckpoint, RemoveCheckpoint, PutFinalMetrics,
                 PushEnqueued, PopEnqueued, AddPriorTrial, PutWorker, PutRequest, ForgetRequests>;
using ChangeBatch = std::vector<Change>;

// Everything that the memory of a study is rebuilt from.
struct StudyImage {
  StudyRecord study;
  std::vector<Trial> trials;                    // by number, dense
  std::vector<RungEntry> rung_entries;          // in order of bracket, rung, trial
  std::vector<Checkpoint> checkpoints;          // in order of trial, step, token
  std::vector<EnqueuedConfiguration> enqueued;  // in order of id
  int64_t last_enqueued_id = 0;                 // the largest that was ever pushed, popped ones included; 0 if none
  std::vector<PriorTrial> prior;                // in order of position
  std::vector<Attempt> live_attempts;           // by token
  // For live attempts that reported: what each of them did, by token, then step (of its own token, archived or not).
  // Metrics by name.
  struct LiveMeasurements {
    Token token = 0;
    std::vector<Measurement> measurements;
  };
  std::vector<LiveMeasurements> live_measurements;
  // What tells whom to trust with the study: its FAILED attempts, by token, and the largest token of each worker's
  // attempts that COMPLETED, PAUSED, were PRUNED or INFEASIBLE.
  struct FailedAttempt {
    Token token = 0;
    TrialNumber trial = 0;
    std::string worker;
  };
  std::vector<FailedAttempt> failed_attempts;
  std::map<std::string, Token> last_successes;
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
  // The curves of a trial, by metric name; all metrics if `metrics` is empty. A metric without points gives no curve.
  // Without archived rows a curve has one point a step; with them a step that was trained again has several, by token.
  virtual absl::StatusOr<std::vector<MetricCurve>> ReadCurves(StudyId study, TrialNumber trial,
                                                              const std::vector<std::string>& metrics,
                                                              Archived archived) = 0;
  // Curves of `metric` of every COMPLETED trial that has one, by trial: (step, value) of the rows that count;
  // elapsed_ms is left 0.
  struct TrialCurve {
    TrialNumber trial = 0;
    std::vector<CurvePoint> points;
  };
  virtual absl::StatusOr<std::vector<TrialCurve>> ReadCompletedCurves(StudyId study, const std::string& metric) = 0;
  virtual absl::StatusOr<std::vector<Attempt>> ReadAttempts(StudyId study, TrialNumber trial) = 0;  // by token
  // What one attempt of the trial reported, archived or not, by step; metrics by name. Empty if there is no such
  // attempt.
  virtual absl::StatusOr<std::vector<Measurement>> ReadMeasurements(StudyId study, TrialNumber trial, Token token) = 0;
  // In order of revision, then as added. At most `limit` (>= 1), the first ones after revision `after`; but a revision
  // is never split, so that the last one returned can be the next `after`. `trial`: only that one's.
  virtual absl::StatusOr<std::vector<DecisionRecord>> ReadDecisions(StudyId study, std::optional<TrialNumber> trial,
                                                                    Revision after, int64_t limit) = 0;
  // As put.
  virtual absl::StatusOr<std::vector<Metric>> ReadFinalMetrics(StudyId study, TrialNumber trial) = 0;
  virtual absl::StatusOr<StoreSize> ReadSize() = 0;
};

}  // namespace athanor
