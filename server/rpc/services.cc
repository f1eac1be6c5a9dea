// One file for the three services: every function only hands on.
#include "server/rpc/services.h"

#include <memory>
#include <utility>

#include "server/rpc/log_stream.h"
#include "server/rpc/report_stream.h"
#include "server/rpc/transfer_streams.h"
#include "server/rpc/unary.h"

namespace athanor {
namespace {

// A long poll, which its caller may give up. The reactor owns itself until the call is done.
class AcquireReactor final : public grpc::ServerUnaryReactor {
 public:
  AcquireReactor(WorkerCalls& workers, const v1::AcquireRequest& request, v1::AcquireResponse* response) {
    call_ = workers.Acquire(request, [this, response](absl::StatusOr<v1::AcquireResponse> result) {
      if (result.ok()) *response = *std::move(result);
      Finish(ToGrpc(result.status()));
    });
  }
  void OnCancel() override {
    call_->Cancel();
    call_->AnswerLost();
  }
  void OnDone() override { delete this; }

 private:
  std::shared_ptr<AcquireCall> call_;
};

}  // namespace

grpc::ServerUnaryReactor* StudyServiceImpl::CreateStudy(Call* call, const v1::CreateStudyRequest* request,
                                                        v1::Study* response) {
  return Answer(call, response, [&](Done<v1::Study> done) { studies_.Create(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::PlanStudy(Call* call, const v1::PlanStudyRequest* request,
                                                      v1::StudyPlan* response) {
  return Answer(call, response, [&](Done<v1::StudyPlan> done) { studies_.Plan(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::GetStudy(Call* call, const v1::GetStudyRequest* request,
                                                     v1::Study* response) {
  return Answer(call, response, [&](Done<v1::Study> done) { studies_.Get(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::ListStudies(Call* call, const v1::ListStudiesRequest* request,
                                                        v1::ListStudiesResponse* response) {
  return Answer(call, response, [&](Done<v1::ListStudiesResponse> done) { studies_.List(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::PauseStudy(Call* call, const v1::ChangeStudyRequest* request,
                                                       v1::Study* response) {
  return Answer(call, response, [&](Done<v1::Study> done) { studies_.Pause(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::ResumeStudy(Call* call, const v1::ChangeStudyRequest* request,
                                                        v1::Study* response) {
  return Answer(call, response, [&](Done<v1::Study> done) { studies_.Resume(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::CancelStudy(Call* call, const v1::ChangeStudyRequest* request,
                                                        v1::Study* response) {
  return Answer(call, response, [&](Done<v1::Study> done) { studies_.Cancel(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::UpdateStudy(Call* call, const v1::UpdateStudyRequest* request,
                                                        v1::Study* response) {
  return Answer(call, response, [&](Done<v1::Study> done) { studies_.Update(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::DeleteStudy(Call* call, const v1::ChangeStudyRequest* request,
                                                        v1::DeleteStudyResponse* response) {
  return Answer(call, response,
                [&](Done<v1::DeleteStudyResponse> done) { studies_.Delete(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::CollectGarbage(Call* call, const v1::CollectGarbageRequest* request,
                                                           v1::GarbageReport* response) {
  return Answer(call, response,
                [&](Done<v1::GarbageReport> done) { studies_.CollectGarbage(*request, std::move(done)); });
}

grpc::ServerWriteReactor<v1::StudySnapshot>* StudyServiceImpl::WatchStudy(Call*, const v1::WatchStudyRequest* request) {
  return StartWatch(context_, watches_, *request);
}

grpc::ServerUnaryReactor* StudyServiceImpl::ListTrials(Call* call, const v1::ListTrialsRequest* request,
                                                       v1::ListTrialsResponse* response) {
  return Answer(call, response, [&](Done<v1::ListTrialsResponse> done) { trials_.List(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::GetTrial(Call* call, const v1::GetTrialRequest* request,
                                                     v1::TrialDetail* response) {
  return Answer(call, response, [&](Done<v1::TrialDetail> done) { trials_.Get(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::GetCurve(Call* call, const v1::GetCurveRequest* request,
                                                     v1::Curve* response) {
  return Answer(call, response, [&](Done<v1::Curve> done) { trials_.GetCurve(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::GetImportance(Call* call, const v1::GetImportanceRequest* request,
                                                          v1::Importance* response) {
  return Answer(call, response, [&](Done<v1::Importance> done) { insight_.GetImportance(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::GetBestTrials(Call* call, const v1::GetBestTrialsRequest* request,
                                                          v1::ListTrialsResponse* response) {
  return Answer(call, response, [&](Done<v1::ListTrialsResponse> done) { trials_.GetBest(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::EnqueueTrial(Call* call, const v1::EnqueueTrialRequest* request,
                                                         v1::EnqueueTrialResponse* response) {
  return Answer(call, response,
                [&](Done<v1::EnqueueTrialResponse> done) { trials_.Enqueue(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::RetryTrial(Call* call, const v1::ChangeTrialRequest* request,
                                                       v1::Trial* response) {
  return Answer(call, response, [&](Done<v1::Trial> done) { trials_.Retry(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* StudyServiceImpl::CancelTrial(Call* call, const v1::ChangeTrialRequest* request,
                                                        v1::Trial* response) {
  return Answer(call, response, [&](Done<v1::Trial> done) { trials_.Cancel(*request, std::move(done)); });
}

grpc::ServerWriteReactor<v1::TrialLogChunk>* StudyServiceImpl::ReadTrialLog(Call*,
                                                                            const v1::ReadTrialLogRequest* request) {
  return StartLogStream(context_, logs_, *request);
}

grpc::ServerUnaryReactor* StudyServiceImpl::ListArtifacts(Call* call, const v1::ListArtifactsRequest* request,
                                                          v1::ListArtifactsResponse* response) {
  return Answer(call, response, [&](Done<v1::ListArtifactsResponse> done) {
    athanor::ListArtifacts(context_, *request, std::move(done));
  });
}

grpc::ServerWriteReactor<v1::ArtifactChunk>* StudyServiceImpl::ReadArtifact(Call*,
                                                                            const v1::ReadArtifactRequest* request) {
  return StartArtifactDownload(context_, downloads_, *request);
}

grpc::ServerWriteReactor<v1::TrialCheckpointChunk>* StudyServiceImpl::DownloadTrialCheckpoint(
    Call*, const v1::DownloadTrialCheckpointRequest* request) {
  return StartTrialCheckpointDownload(context_, downloads_, *request);
}

grpc::ServerUnaryReactor* AdminServiceImpl::ListWorkers(Call* call, const v1::ListWorkersRequest* request,
                                                        v1::ListWorkersResponse* response) {
  return Answer(call, response,
                [&](Done<v1::ListWorkersResponse> done) { admin_.ListWorkers(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::DrainWorker(Call* call, const v1::ChangeWorkerRequest* request,
                                                        v1::Worker* response) {
  return Answer(call, response, [&](Done<v1::Worker> done) { admin_.DrainWorker(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::EnableWorker(Call* call, const v1::ChangeWorkerRequest* request,
                                                         v1::Worker* response) {
  return Answer(call, response, [&](Done<v1::Worker> done) { admin_.EnableWorker(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::GetServerStatus(Call* call, const v1::GetServerStatusRequest*,
                                                            v1::ServerStatus* response) {
  return Answer(call, response, [&](Done<v1::ServerStatus> done) { admin_.GetServerStatus(std::move(done)); });
}

grpc::ServerUnaryReactor* WorkerServiceImpl::Register(Call* call, const v1::RegisterRequest* request,
                                                      v1::RegisterResponse* response) {
  return Answer(call, response, [&](Done<v1::RegisterResponse> done) { workers_.Register(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* WorkerServiceImpl::Heartbeat(Call* call, const v1::HeartbeatRequest* request,
                                                       v1::HeartbeatResponse* response) {
  return Answer(call, response,
                [&](Done<v1::HeartbeatResponse> done) { workers_.Heartbeat(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* WorkerServiceImpl::Finish(Call* call, const v1::FinishRequest* request,
                                                    v1::FinishResponse* response) {
  return Answer(call, response, [&](Done<v1::FinishResponse> done) { workers_.Finish(*request, std::move(done)); });
}

grpc::ServerUnaryReactor* WorkerServiceImpl::Acquire(Call*, const v1::AcquireRequest* request,
                                                     v1::AcquireResponse* response) {
  return new AcquireReactor(workers_, *request, response);
}

grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>* WorkerServiceImpl::Report(Call*) {
  return StartReportStream(context_, streams_);
}

grpc::ServerReadReactor<v1::UploadCheckpointRequest>* WorkerServiceImpl::UploadCheckpoint(
    Call* call, v1::UploadCheckpointResponse*) {
  return StartCheckpointUpload(context_, slots_, call);
}

grpc::ServerWriteReactor<v1::CheckpointChunk>* WorkerServiceImpl::DownloadCheckpoint(
    Call*, const v1::DownloadCheckpointRequest* request) {
  return StartCheckpointDownload(context_, slots_, *request);
}

grpc::ServerUnaryReactor* WorkerServiceImpl::AppendLog(Call* call, const v1::AppendLogRequest* request,
                                                       v1::AppendLogResponse* response) {
  return Answer(call, response, [&](Done<v1::AppendLogResponse> done) { logs_.Append(*request, std::move(done)); });
}

grpc::ServerReadReactor<v1::UploadArtifactRequest>* WorkerServiceImpl::UploadArtifact(Call* call,
                                                                                      v1::UploadArtifactResponse*) {
  return StartArtifactUpload(context_, artifact_slots_, call);
}

}  // namespace athanor
