// A coordinator within the test process, seen through WorkerTransport: grants the leases it is given, answers reports
// by a script, stores checkpoints in memory, and can be away.
//
// It lives on a thread of its own and calls back from there, as gRPC does, so that ThreadSanitizer sees what a session
// does with foreign threads. Its state is touched on that thread alone; tests look at it, and change it, through Ask.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/api/worker_client.h"

namespace athanor {

class FakeWorkerTransport final : public WorkerTransport {
 public:
  struct State {
    v1::RegisterResponse terms;      // heartbeat every 20 ms, long polls of 5 s
    absl::Status register_status;    // what Register answers unless OK
    bool reachable = true;           // else every call is UNAVAILABLE
    bool acknowledges = true;        // else reports are taken in but not answered yet
    bool uploads_held = false;       // uploads do not end
    absl::Status upload_status;      // what uploads answer unless OK
    std::deque<v1::Lease> waiting;   // to be granted
    std::vector<v1::LeaseRef> dead;  // every heartbeat names them
    // The answer to a report; CONTINUE if not set. `step` and `lease` are filled in.
    std::function<v1::Verdict(const v1::TrialReport&)> verdict;
    std::map<std::string, std::string> files;      // checkpoints by SHA-256
    absl::Status log_status;                       // what AppendLog answers unless OK
    std::vector<v1::AppendLogRequest> logs;        // what was appended
    absl::Status artifact_status;                  // what UploadArtifact answers unless OK
    std::map<std::string, std::string> artifacts;  // what was uploaded, by "STEP-NAME"

    // What happened, oldest first: "register", "upload 2", "report 3", "progress", "finish COMPLETED", "log",
    // "artifact STEP-NAME", "download <sha>". Trials other than number 0 have " of trial N" behind.
    std::vector<std::string> events;
    std::vector<v1::TrialReport> reports;  // those with measurements, as they came, repetitions included
    std::vector<v1::FinishRequest> finishes;
    std::vector<v1::RegisterRequest> registrations;
    std::vector<v1::LeaseRef> heartbeat_leases;  // of the last heartbeat
    int heartbeats = 0;
  };

  FakeWorkerTransport();
  ~FakeWorkerTransport() override;

  // Runs `function` on the coordinator's thread and returns what it returns.
  template <typename Function>
  auto Ask(Function function) {
    std::packaged_task<std::invoke_result_t<Function, State&>()> task([this, &function] { return function(state_); });
    auto result = task.get_future();
    boost::asio::post(io_, [&task] { task(); });
    return result.get();
  }

  void Grant(const v1::Lease& lease);
  // Over the report stream.
  void Push(v1::CommandKind kind, const v1::LeaseRef& lease);
  // Away: the stream breaks, and every call fails, those under way too.
  void SetReachable(bool reachable);
  void SetAcknowledges(bool acknowledges);
  void ReleaseUploads();
  size_t HeldUploads();

  void Register(v1::RegisterRequest request, Done<v1::RegisterResponse> done) override;
  std::unique_ptr<CancellableCall> Acquire(v1::AcquireRequest request, Done<v1::AcquireResponse> done) override;
  void Heartbeat(v1::HeartbeatRequest request, Done<v1::HeartbeatResponse> done) override;
  void Finish(v1::FinishRequest request, Done<v1::FinishResponse> done) override;
  void AppendLog(v1::AppendLogRequest request, Done<v1::AppendLogResponse> done) override;
  std::unique_ptr<CancellableCall> UploadCheckpoint(v1::UploadCheckpointRequest::Header header, const std::string& path,
                                                    std::function<void(absl::Status)> done) override;
  std::unique_ptr<CancellableCall> UploadArtifact(v1::UploadArtifactRequest::Header header, const std::string& path,
                                                  std::function<void(absl::Status)> done) override;
  std::unique_ptr<CancellableCall> DownloadCheckpoint(v1::DownloadCheckpointRequest request, const std::string& path,
                                                      std::function<void(absl::Status)> done) override;
  std::unique_ptr<ReportStream> OpenReportStream(ReportStreamObserver observer) override;

 private:
  class Stream;
  class Call;
  struct Poll {
    v1::AcquireRequest request;
    Done<v1::AcquireResponse> done;
  };
  struct Upload {
    v1::UploadCheckpointRequest::Header header;
    std::string content;
    std::function<void(absl::Status)> done;
  };

  // All on the coordinator's thread.
  void AnswerPoll();
  void Apply(const v1::ReportRequest& request);
  void EndUpload(Upload upload);
  void EndStream(uint64_t id, const absl::Status& status);
  void Note(const std::string& event, const v1::LeaseRef& lease);

  State state_;
  std::shared_ptr<Poll> poll_;
  uint64_t last_acquire_ = 0;
  v1::AcquireResponse last_leases_;
  std::vector<Upload> held_uploads_;
  std::vector<v1::ReportResponse> unsent_;
  ReportStreamObserver stream_;
  uint64_t stream_id_ = 0;  // of the open stream; 0 = none
  uint64_t next_stream_id_ = 1;

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_;
};

}  // namespace athanor
