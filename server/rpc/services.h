// The three gRPC services, registered with the server in server.cc. What the calls mean stands in proto/athanor/v1.
//
// Each function here is gRPC's door to one call: it hands the request to the *Calls that serve it, which know nothing
// of gRPC, and returns a reactor at once; nothing here blocks or decides. The answer leaves when it is known: for a
// change, after its commit.
//
// Lifetime: a request and a response live until their reactor is done; a reactor owns itself. A service, and what it is
// made from, outlives every call; the server waits for them when it shuts down.
//
// Threads: gRPC calls in from threads of its own, several at a time.
//
// Errors: absl::Status becomes the gRPC status of the same code and message (status.h).
#pragma once

#include <grpcpp/support/server_callback.h>

#include "athanor/v1/study_service.grpc.pb.h"
#include "athanor/v1/worker_service.grpc.pb.h"
#include "server/rpc/admin_calls.h"
#include "server/rpc/artifact_transfer.h"
#include "server/rpc/checkpoint_transfer.h"
#include "server/rpc/insight_calls.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/report_session.h"
#include "server/rpc/service_context.h"
#include "server/rpc/study_calls.h"
#include "server/rpc/trial_calls.h"
#include "server/rpc/watch_stream.h"
#include "server/rpc/worker_calls.h"

namespace athanor {

// For those who own studies: submitting, steering, querying, watching.
class StudyServiceImpl final : public v1::StudyService::CallbackService {
 public:
  // `watches` and `logs` know the open streams of WatchStudy and ReadTrialLog, so that a shutdown can end them.
  StudyServiceImpl(ServiceContext& context, OpenStreams& watches, OpenStreams& logs)
      : context_(context), watches_(watches), logs_(logs), studies_(context), trials_(context), insight_(context) {}

  using Call = grpc::CallbackServerContext;
  grpc::ServerUnaryReactor* CreateStudy(Call*, const v1::CreateStudyRequest*, v1::Study*) override;
  grpc::ServerUnaryReactor* PlanStudy(Call*, const v1::PlanStudyRequest*, v1::StudyPlan*) override;
  grpc::ServerUnaryReactor* GetStudy(Call*, const v1::GetStudyRequest*, v1::Study*) override;
  grpc::ServerUnaryReactor* ListStudies(Call*, const v1::ListStudiesRequest*, v1::ListStudiesResponse*) override;
  grpc::ServerUnaryReactor* PauseStudy(Call*, const v1::ChangeStudyRequest*, v1::Study*) override;
  grpc::ServerUnaryReactor* ResumeStudy(Call*, const v1::ChangeStudyRequest*, v1::Study*) override;
  grpc::ServerUnaryReactor* CancelStudy(Call*, const v1::ChangeStudyRequest*, v1::Study*) override;
  grpc::ServerUnaryReactor* UpdateStudy(Call*, const v1::UpdateStudyRequest*, v1::Study*) override;
  grpc::ServerUnaryReactor* DeleteStudy(Call*, const v1::ChangeStudyRequest*, v1::DeleteStudyResponse*) override;
  grpc::ServerUnaryReactor* CollectGarbage(Call*, const v1::CollectGarbageRequest*, v1::GarbageReport*) override;
  grpc::ServerWriteReactor<v1::StudySnapshot>* WatchStudy(Call*, const v1::WatchStudyRequest*) override;

  grpc::ServerUnaryReactor* ListTrials(Call*, const v1::ListTrialsRequest*, v1::ListTrialsResponse*) override;
  grpc::ServerUnaryReactor* GetTrial(Call*, const v1::GetTrialRequest*, v1::TrialDetail*) override;
  grpc::ServerUnaryReactor* GetCurve(Call*, const v1::GetCurveRequest*, v1::Curve*) override;
  grpc::ServerUnaryReactor* GetImportance(Call*, const v1::GetImportanceRequest*, v1::Importance*) override;
  grpc::ServerUnaryReactor* GetBestTrials(Call*, const v1::GetBestTrialsRequest*, v1::ListTrialsResponse*) override;
  grpc::ServerUnaryReactor* EnqueueTrial(Call*, const v1::EnqueueTrialRequest*, v1::EnqueueTrialResponse*) override;
  grpc::ServerUnaryReactor* RetryTrial(Call*, const v1::ChangeTrialRequest*, v1::Trial*) override;
  grpc::ServerUnaryReactor* CancelTrial(Call*, const v1::ChangeTrialRequest*, v1::Trial*) override;
  grpc::ServerWriteReactor<v1::TrialLogChunk>* ReadTrialLog(Call*, const v1::ReadTrialLogRequest*) override;
  grpc::ServerUnaryReactor* ListArtifacts(Call*, const v1::ListArtifactsRequest*, v1::ListArtifactsResponse*) override;
  grpc::ServerWriteReactor<v1::ArtifactChunk>* ReadArtifact(Call*, const v1::ReadArtifactRequest*) override;
  grpc::ServerWriteReactor<v1::TrialCheckpointChunk>* DownloadTrialCheckpoint(
      Call*, const v1::DownloadTrialCheckpointRequest*) override;

 private:
  ServiceContext& context_;
  OpenStreams& watches_;
  OpenStreams& logs_;
  TransferSlots downloads_{kMaxClientDownloads};
  StudyCalls studies_;
  TrialCalls trials_;
  InsightCalls insight_;
};

// For those who run a fleet: its workers, and how the coordinator is doing.
class AdminServiceImpl final : public v1::AdminService::CallbackService {
 public:
  explicit AdminServiceImpl(ServiceContext& context) : admin_(context) {}

  using Call = grpc::CallbackServerContext;
  grpc::ServerUnaryReactor* ListWorkers(Call*, const v1::ListWorkersRequest*, v1::ListWorkersResponse*) override;
  grpc::ServerUnaryReactor* DrainWorker(Call*, const v1::ChangeWorkerRequest*, v1::Worker*) override;
  grpc::ServerUnaryReactor* EnableWorker(Call*, const v1::ChangeWorkerRequest*, v1::Worker*) override;
  grpc::ServerUnaryReactor* GetServerStatus(Call*, const v1::GetServerStatusRequest*, v1::ServerStatus*) override;

 private:
  AdminCalls admin_;
};

// For workers: leases, reports, checkpoints, logs, artifacts.
class WorkerServiceImpl final : public v1::WorkerService::CallbackService {
 public:
  // `streams` knows the report stream of each worker, over which commands are pushed.
  WorkerServiceImpl(ServiceContext& context, ReportStreams& streams)
      : context_(context), streams_(streams), workers_(context, streams), logs_(context) {}

  using Call = grpc::CallbackServerContext;
  grpc::ServerUnaryReactor* Register(Call*, const v1::RegisterRequest*, v1::RegisterResponse*) override;
  grpc::ServerUnaryReactor* Acquire(Call*, const v1::AcquireRequest*, v1::AcquireResponse*) override;
  grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>* Report(Call*) override;
  grpc::ServerUnaryReactor* Heartbeat(Call*, const v1::HeartbeatRequest*, v1::HeartbeatResponse*) override;
  grpc::ServerUnaryReactor* Finish(Call*, const v1::FinishRequest*, v1::FinishResponse*) override;
  grpc::ServerReadReactor<v1::UploadCheckpointRequest>* UploadCheckpoint(Call*, v1::UploadCheckpointResponse*) override;
  grpc::ServerWriteReactor<v1::CheckpointChunk>* DownloadCheckpoint(Call*,
                                                                    const v1::DownloadCheckpointRequest*) override;
  grpc::ServerUnaryReactor* AppendLog(Call*, const v1::AppendLogRequest*, v1::AppendLogResponse*) override;
  grpc::ServerReadReactor<v1::UploadArtifactRequest>* UploadArtifact(Call*, v1::UploadArtifactResponse*) override;

 private:
  ServiceContext& context_;
  ReportStreams& streams_;
  TransferSlots slots_{kMaxCheckpointTransfers};
  TransferSlots artifact_slots_{kMaxArtifactUploads};
  WorkerCalls workers_;
  LogCalls logs_;
};

}  // namespace athanor
