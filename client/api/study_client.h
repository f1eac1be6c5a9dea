// A client of the coordinator's study and admin services: synchronous calls, with deadlines and safe retries.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "athanor/v1/study_service.grpc.pb.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"

namespace athanor {

// Waits between attempts are drawn evenly from [d / 2, d), with d doubling from `initial_backoff` up to `max_backoff`.
struct RetryPolicy {
  int max_attempts = 4;  // >= 1; of one call
  // >= 1; in a row, of a stream that has begun: half a minute, in which a coordinator starts again.
  int max_resumptions = 12;
  Duration initial_backoff = std::chrono::milliseconds(200);
  Duration max_backoff = std::chrono::seconds(5);
};

struct StudyClientOptions {
  std::string coordinator = "127.0.0.1:7077";    // host:port
  Duration deadline = std::chrono::seconds(20);  // of one attempt; does not bound a watch
  RetryPolicy retry;
  // A connection with calls on it is probed so often, and given up if a probe stays unanswered: so a watch ends whose
  // coordinator vanished without a word. The coordinator sends away those who probe more often than every 5 s.
  Duration keepalive_interval = std::chrono::seconds(20);
  Duration keepalive_timeout = std::chrono::seconds(10);
  // Seeds request ids and back-off. Left out: from the system, as it must be outside tests, because two clients that
  // draw the same request ids take each other's calls for their own repeats.
  std::optional<uint64_t> seed;
  // How to wait; tests put a recorder here.
  std::function<void(Duration)> sleep;
};

class StudyWatch;

// Outcome: each call returns what the coordinator answered.
// Errors: the coordinator's status as it is. UNAVAILABLE and DEADLINE_EXCEEDED name the coordinator's address.
// Retries: UNAVAILABLE and RESOURCE_EXHAUSTED are tried again per RetryPolicy. Calls that change something carry a
// request id drawn
//   once a call, so a repeat of one whose answer was lost changes nothing.
// Thread safety: any number of threads. Every call blocks until it has an answer.
class StudyClient {
 public:
  // Connects lazily: an address nobody listens on shows at the first call.
  explicit StudyClient(StudyClientOptions options);
  // Speaks over `channel` instead of one to options.coordinator, which then only stands in messages.
  StudyClient(StudyClientOptions options, std::shared_ptr<grpc::Channel> channel);

  absl::StatusOr<v1::Study> CreateStudy(const v1::StudySpec& spec);
  absl::StatusOr<v1::StudyPlan> PlanStudy(const v1::StudySpec& spec);
  // `study` is an id or a name, here and below.
  absl::StatusOr<v1::Study> GetStudy(const std::string& study);
  absl::StatusOr<v1::ListStudiesResponse> ListStudies(const v1::ListStudiesRequest& request);
  absl::StatusOr<v1::Study> PauseStudy(const std::string& study);
  absl::StatusOr<v1::Study> ResumeStudy(const std::string& study);
  absl::StatusOr<v1::Study> CancelStudy(const std::string& study);
  // The request id is drawn here, as for every other change.
  absl::StatusOr<v1::Study> UpdateStudy(v1::UpdateStudyRequest request);
  absl::Status DeleteStudy(const std::string& study);
  // Deletes the checkpoints of the study that nothing needs, or with kDryRun only tells which those are.
  enum class Garbage { kDelete, kDryRun };
  absl::StatusOr<v1::GarbageReport> CollectGarbage(const std::string& study, Garbage garbage);
  // Never null. The stream opens at the first Next(). The client must outlive it.
  std::unique_ptr<StudyWatch> WatchStudy(const v1::WatchStudyRequest& request);

  absl::StatusOr<v1::ListTrialsResponse> ListTrials(const v1::ListTrialsRequest& request);
  // Calls `visit` for every trial that `request` asks for, page after page, until one returns an error, which is
  // returned. Holds one page at a time.
  absl::Status ForEachTrial(v1::ListTrialsRequest request, const std::function<absl::Status(const v1::Trial&)>& visit);
  absl::StatusOr<v1::TrialDetail> GetTrial(const std::string& study, int64_t number);
  // Calls `visit` for every chunk of a trial's log, until the end (with `follow`: of the trial) or until a visit
  // returns an error, which is returned. Holds one chunk at a time. A stream that breaks is opened again behind the
  // last chunk: no byte is visited twice, and what was not kept meanwhile is told as dropped.
  absl::Status ReadTrialLog(v1::ReadTrialLogRequest request,
                            const std::function<absl::Status(const v1::TrialLogChunk&)>& visit);
  // What the trial's trainers left, by step, then by name.
  absl::StatusOr<std::vector<v1::Artifact>> ListArtifacts(const std::string& study, int64_t number);
  // One of those with its content. DATA_LOSS if it did not arrive whole.
  absl::StatusOr<std::pair<v1::Artifact, std::string>> ReadArtifact(const v1::ReadArtifactRequest& request);
  // Writes a checkpoint of the trial to the file `path`, and says which it is. DATA_LOSS if its SHA-256 is another than
  // announced, or the file cannot be written; CANCELLED soon after `stop` was asked for. Unless OK, what was at `path`
  // is still there and nothing else is left. No deadline: a connection that is dead ends it.
  absl::StatusOr<v1::TrialCheckpoint> DownloadTrialCheckpoint(const v1::DownloadTrialCheckpointRequest& request,
                                                              const std::string& path, const std::stop_token& stop);
  absl::StatusOr<v1::Curve> GetCurve(const v1::GetCurveRequest& request);
  absl::StatusOr<std::vector<v1::Trial>> GetBestTrials(const std::string& study, int count);
  absl::StatusOr<v1::Importance> GetImportance(const std::string& study, v1::GetImportanceRequest::Method method);
  absl::StatusOr<v1::EnqueueTrialResponse> EnqueueTrial(const std::string& study,
                                                        const std::vector<v1::NamedValue>& parameters);
  absl::StatusOr<v1::Trial> RetryTrial(const std::string& study, int64_t number);
  absl::StatusOr<v1::Trial> CancelTrial(const std::string& study, int64_t number);

  // All workers, in order of name.
  absl::StatusOr<std::vector<v1::Worker>> ListWorkers();
  absl::StatusOr<v1::Worker> DrainWorker(const std::string& name);
  absl::StatusOr<v1::Worker> EnableWorker(const std::string& name);
  absl::StatusOr<v1::ServerStatus> GetServerStatus();

 private:
  friend class StudyWatch;

  // Calls stub->*method until it is answered or the policy gives up.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request);
  absl::StatusOr<v1::Study> ChangeStudy(grpc::Status (v1::StudyService::Stub::*method)(grpc::ClientContext*,
                                                                                       const v1::ChangeStudyRequest&,
                                                                                       v1::Study*),
                                        const std::string& study);
  absl::StatusOr<v1::Trial> ChangeTrial(grpc::Status (v1::StudyService::Stub::*method)(grpc::ClientContext*,
                                                                                       const v1::ChangeTrialRequest&,
                                                                                       v1::Trial*),
                                        const std::string& study, int64_t number);
  absl::StatusOr<v1::Worker> ChangeWorker(grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*,
                                                                                         const v1::ChangeWorkerRequest&,
                                                                                         v1::Worker*),
                                          const std::string& name);

  // Whether the same call may be answered later.
  static bool IsTransient(const absl::Status& status);
  std::string NewRequestId();
  // The wait before attempt `attempt` (from 1, the first repeat).
  Duration Backoff(int attempt);
  // How many failures in a row end a stream, which has sent something already if it has `begun`.
  int MostFailures(bool begun) const { return begun ? options_.retry.max_resumptions : options_.retry.max_attempts; }
  absl::Status FromGrpc(const grpc::Status& status) const;

  const StudyClientOptions options_;
  std::unique_ptr<v1::StudyService::Stub> studies_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  Mutex mutex_;
  Random random_ ATHANOR_GUARDED_BY(mutex_);
};

// The snapshots of one study, over as many streams as it takes.
//
// Thread safety: Next() from one thread at a time; Cancel() from any.
class StudyWatch {
 public:
  // Blocks for the next snapshot; nothing once the study has ended and its last snapshot was returned. A broken stream
  // is opened again, from the last decision received, with the policy's back-off; resumptions count from the last
  // snapshot received. Errors: CANCELLED after Cancel(), UNAVAILABLE once the policy gives up, anything else
  // (NOT_FOUND, ...) at once. After an error or the end, every further call returns the same.
  absl::StatusOr<std::optional<v1::StudySnapshot>> Next();

  // Makes the Next() in progress, or the next one, return CANCELLED. Takes effect within milliseconds, except that a
  // wait between attempts is finished first.
  void Cancel();

 private:
  friend class StudyClient;
  StudyWatch(StudyClient& client, v1::WatchStudyRequest request) : client_(client), request_(std::move(request)) {}

  // False if the watch was cancelled.
  bool Open();
  // OK: the study has ended. Otherwise why the stream broke.
  absl::Status Close();

  StudyClient& client_;
  v1::WatchStudyRequest request_;
  Mutex mutex_;  // Cancel() against a stream that is being opened or closed
  bool cancelled_ ATHANOR_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::ClientContext> context_ ATHANOR_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::ClientReader<v1::StudySnapshot>> stream_;
  bool finished_ = false;  // the last snapshot showed the end
  bool begun_ = false;     // there was a snapshot
  int failures_ = 0;       // since the last snapshot
  std::optional<absl::Status> ended_;
};

}  // namespace athanor
