// The worker's side of WorkerService (proto/athanor/v1/worker_service.proto), as asynchronous calls.
//
// WorkerTransport is what a worker session needs of the coordinator and nothing more, so that a session can be tested
// against a scripted coordinator in the same process. GrpcWorkerTransport is the one that talks to a coordinator.
//
// Threads: every member may be called from any thread and none blocks. Callbacks arrive on threads of the transport,
// each exactly once unless said otherwise, and must not block either; they may be called before the call that took them
// has returned.
//
// Errors: absl::Status with the code the coordinator gave. UNAVAILABLE: it cannot be reached. DEADLINE_EXCEEDED: it did
// not answer in time. CANCELLED: the caller cancelled. Whether a call that failed so was applied is unknown; all of
// them may be repeated.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "athanor/v1/worker_service.pb.h"
#include "base/clock.h"

namespace athanor {

// A call that can be given up. Destroying the handle cancels the call, which then still answers (CANCELLED, or what it
// had already).
class CancellableCall {
 public:
  virtual ~CancellableCall() = default;
};

// The worker's one report stream. Destroying it cancels the call.
class ReportStream {
 public:
  virtual ~ReportStream() = default;
  // Sends one request. At most one at a time: the next only after `on_written`.
  virtual void Write(v1::ReportRequest request) = 0;
  // Says that no request will follow; the coordinator then closes the stream. Not while a write is under way.
  virtual void WritesDone() = 0;
};

// What a report stream tells its owner. Callbacks of one stream never overlap.
struct ReportStreamObserver {
  // The last Write was handed to the transport; says nothing about the coordinator.
  std::function<void()> on_written;
  std::function<void(v1::ReportResponse)> on_response;
  // Last of all, exactly once: OK if the coordinator ended the stream in order. A Write under way is lost.
  std::function<void(absl::Status)> on_closed;
};

class WorkerTransport {
 public:
  template <typename Response>
  using Done = std::function<void(absl::StatusOr<Response>)>;

  virtual ~WorkerTransport() = default;

  virtual void Register(v1::RegisterRequest request, Done<v1::RegisterResponse> done) = 0;
  // Long poll: answers within `wait_ms` and the usual deadline of a call.
  virtual std::unique_ptr<CancellableCall> Acquire(v1::AcquireRequest request, Done<v1::AcquireResponse> done) = 0;
  virtual void Heartbeat(v1::HeartbeatRequest request, Done<v1::HeartbeatResponse> done) = 0;
  // Ends one attempt outside the report stream: for a caller that has no measurement still on its way.
  virtual void Finish(v1::FinishRequest request, Done<v1::FinishResponse> done) = 0;
  // Appends to a trial's log, under the token of any of its attempts, live or ended.
  virtual void AppendLog(v1::AppendLogRequest request, Done<v1::AppendLogResponse> done) = 0;

  // Sends the file `path` under `header`. The file must not change meanwhile; it is opened before this returns. OK
  // means that file and row are on the coordinator's disk. NOT_FOUND if the file cannot be opened, DATA_LOSS if it is
  // not what the header says, RESOURCE_EXHAUSTED if the coordinator has no room for it.
  virtual std::unique_ptr<CancellableCall> UploadCheckpoint(v1::UploadCheckpointRequest::Header header,
                                                            const std::string& path,
                                                            std::function<void(absl::Status)> done) = 0;

  // Sends the file `path`, a trainer's artifact, under `header`, as UploadCheckpoint does; under the token of any
  // attempt of the trial, live or ended.
  virtual std::unique_ptr<CancellableCall> UploadArtifact(v1::UploadArtifactRequest::Header header,
                                                          const std::string& path,
                                                          std::function<void(absl::Status)> done) = 0;

  // Writes the checkpoint to the new file `path`. OK only if its SHA-256 is the one asked for, else DATA_LOSS; unless
  // OK, no file is left. INTERNAL if the file cannot be written.
  virtual std::unique_ptr<CancellableCall> DownloadCheckpoint(v1::DownloadCheckpointRequest request,
                                                              const std::string& path,
                                                              std::function<void(absl::Status)> done) = 0;

  virtual std::unique_ptr<ReportStream> OpenReportStream(ReportStreamObserver observer) = 0;
};

struct WorkerClientOptions {
  std::string target;  // host:port
  // How long a call may take beyond the waiting that it asks for itself. Once registered, a call that renews leases may
  // take a third of a lease at most, but never less than `shortest_patience`.
  Duration call_timeout = std::chrono::seconds(10);
  Duration shortest_patience = std::chrono::milliseconds(500);
  // A whole checkpoint transfer; gRPC knows no bound on silence within one.
  Duration transfer_timeout = std::chrono::minutes(30);
  // A connection with calls on it is probed so often, and given up if a probe stays unanswered. The coordinator sends
  // away those who probe more often than every 5 s.
  Duration keepalive_interval = std::chrono::seconds(10);
  Duration keepalive_timeout = std::chrono::seconds(10);
  int max_message_bytes = 64 << 20;
};

// Over gRPC's callback API, unencrypted, one connection for all calls; it reconnects by itself. Callbacks run on gRPC's
// threads.
//
// Half-open connections: one that leaves a unary call unanswered past its deadline is given up, and calls made after
// that go over a new one. So a worker whose network dropped its connection without a word is back before its leases
// run out. Transfers and streams still on the old one end with it, at the latest when a probe stays unanswered.
class GrpcWorkerTransport final : public WorkerTransport {
 public:
  explicit GrpcWorkerTransport(const WorkerClientOptions& options);
  // Cancels what is under way and blocks until every callback has returned. Handles and streams must be gone by then.
  ~GrpcWorkerTransport() override;

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

  struct Core;  // worker_call.h

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace athanor
