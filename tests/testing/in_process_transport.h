// A worker's transport straight into a coordinator of the same process: the calls that athanor-server serves, without
// gRPC, whose packaged library is invisible to ThreadSanitizer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/api/worker_client.h"
#include "server/rpc/artifact_transfer.h"
#include "server/rpc/checkpoint_transfer.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/report_session.h"
#include "server/rpc/service_context.h"
#include "server/rpc/worker_calls.h"

namespace athanor::testing {

// Callbacks run on the owner thread, on a thread of the pools, or within the call that took them. `context` must
// outlive it and everything it handed out.
class InProcessTransport final : public WorkerTransport {
 public:
  explicit InProcessTransport(ServiceContext& context)
      : context_(context), workers_(context, streams_), logs_(context) {}
  // Waits until the coordinator has let go of its streams.
  ~InProcessTransport() override;

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
  ServiceContext& context_;
  ReportStreams streams_;
  TransferSlots slots_{kMaxCheckpointTransfers};
  TransferSlots artifact_slots_{kMaxArtifactUploads};
  WorkerCalls workers_;
  LogCalls logs_;
};

}  // namespace athanor::testing
