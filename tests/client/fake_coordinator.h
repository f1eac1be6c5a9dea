// A coordinator that answers what a test told it to, over real gRPC on a loopback port.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "base/mutex.h"

namespace athanor::testing {

// What a test reads back of the calls that changed something.
struct SeenCall {
  std::string method;
  std::string target;  // study, study/number, worker
  std::string request_id;
};

// Serves two studies' worth of canned data. Calls on an unknown study are NOT_FOUND. Thread-safe.
class FakeCoordinator final : public v1::StudyService::Service, public v1::AdminService::Service {
 public:
  explicit FakeCoordinator(const std::string& address = "127.0.0.1:0") {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::StudyService::Service*>(this));
    builder.RegisterService(static_cast<v1::AdminService::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~FakeCoordinator() override { server_->Shutdown(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // The next calls, whichever they are, get these errors instead of an answer.
  void FailNext(std::vector<grpc::Status> errors) {
    MutexLock lock(mutex_);
    errors_.assign(errors.begin(), errors.end());
  }
  // Set before the call under test.
  v1::Study study;
  std::vector<v1::Trial> trials;
  v1::TrialDetail detail;  // what GetTrial adds to the trial
  v1::StudyPlan plan;
  grpc::Status create_status;
  v1::Curve curve;
  std::vector<v1::Worker> workers;
  v1::GarbageReport garbage;
  v1::Importance importance;
  v1::ServerStatus status;
  int page_size = 2;  // of ListTrials
  // Each WatchStudy gives one list of snapshots and ends with its status.
  std::vector<std::pair<std::vector<v1::StudySnapshot>, grpc::Status>> streams;
  // Each ReadTrialLog gives one list of chunks and ends with its status.
  std::vector<std::pair<std::vector<v1::TrialLogChunk>, grpc::Status>> logs;

  std::vector<std::pair<v1::Artifact, std::string>> artifacts;  // of every trial, in order of step
  // Of every trial, cut into two chunks; without a hash there is none.
  std::pair<v1::TrialCheckpoint, std::string> checkpoint;

  std::vector<SeenCall> seen() const {
    MutexLock lock(mutex_);
    return seen_;
  }
  std::vector<v1::WatchStudyRequest> watches() const {
    MutexLock lock(mutex_);
    return watches_;
  }
  std::vector<v1::ReadTrialLogRequest> log_requests() const {
    MutexLock lock(mutex_);
    return log_requests_;
  }
  v1::StudySpec created() const {
    MutexLock lock(mutex_);
    return created_;
  }
  v1::ListTrialsRequest last_list() const {
    MutexLock lock(mutex_);
    return last_list_;
  }
  v1::GetImportanceRequest::Method importance_method() const {
    MutexLock lock(mutex_);
    return importance_method_;
  }
  v1::CollectGarbageRequest last_collection() const {
    MutexLock lock(mutex_);
    return last_collection_;
  }
  v1::UpdateStudyRequest updated() const {
    MutexLock lock(mutex_);
    return updated_;
  }
  v1::EnqueueTrialRequest enqueued() const {
    MutexLock lock(mutex_);
    return enqueued_;
  }

  grpc::Status CreateStudy(grpc::ServerContext*, const v1::CreateStudyRequest* request, v1::Study* response) override {
    const grpc::Status status = Begin("CreateStudy", request->spec().name(), request->request_id());
    if (!status.ok()) return status;
    MutexLock lock(mutex_);
    created_ = request->spec();
    *response = study;
    return create_status;
  }
  grpc::Status PlanStudy(grpc::ServerContext*, const v1::PlanStudyRequest*, v1::StudyPlan* response) override {
    *response = plan;
    return create_status;
  }
  grpc::Status GetStudy(grpc::ServerContext*, const v1::GetStudyRequest* request, v1::Study* response) override {
    if (const grpc::Status status = Begin("GetStudy", request->study(), ""); !status.ok()) return status;
    return Give(request->study(), response);
  }
  grpc::Status ListStudies(grpc::ServerContext*, const v1::ListStudiesRequest*,
                           v1::ListStudiesResponse* response) override {
    if (study.id() != 0) *response->add_studies() = study;
    return grpc::Status::OK;
  }
  grpc::Status PauseStudy(grpc::ServerContext*, const v1::ChangeStudyRequest* request, v1::Study* response) override {
    return Change("PauseStudy", *request, response);
  }
  grpc::Status ResumeStudy(grpc::ServerContext*, const v1::ChangeStudyRequest* request, v1::Study* response) override {
    return Change("ResumeStudy", *request, response);
  }
  grpc::Status CancelStudy(grpc::ServerContext*, const v1::ChangeStudyRequest* request, v1::Study* response) override {
    return Change("CancelStudy", *request, response);
  }
  grpc::Status UpdateStudy(grpc::ServerContext*, const v1::UpdateStudyRequest* request, v1::Study* response) override {
    if (const grpc::Status status = Begin("UpdateStudy", request->study(), request->request_id()); !status.ok()) {
      return status;
    }
    MutexLock lock(mutex_);
    updated_ = *request;
    return Give(request->study(), response);
  }
  grpc::Status DeleteStudy(grpc::ServerContext*, const v1::ChangeStudyRequest* request,
                           v1::DeleteStudyResponse*) override {
    v1::Study unused;
    return Change("DeleteStudy", *request, &unused);
  }
  grpc::Status GetImportance(grpc::ServerContext*, const v1::GetImportanceRequest* request,
                             v1::Importance* response) override {
    const grpc::Status begun = Begin("GetImportance", request->study(), "");
    if (!begun.ok()) return begun;
    MutexLock lock(mutex_);
    importance_method_ = request->method();
    *response = importance;
    return grpc::Status::OK;
  }
  grpc::Status CollectGarbage(grpc::ServerContext*, const v1::CollectGarbageRequest* request,
                              v1::GarbageReport* response) override {
    const grpc::Status begun = Begin("CollectGarbage", request->study(), request->request_id());
    MutexLock lock(mutex_);
    last_collection_ = *request;
    *response = garbage;
    return begun;
  }
  grpc::Status WatchStudy(grpc::ServerContext*, const v1::WatchStudyRequest* request,
                          grpc::ServerWriter<v1::StudySnapshot>* writer) override {
    size_t index = 0;
    {
      MutexLock lock(mutex_);
      index = watches_.size();
      watches_.push_back(*request);
    }
    if (index >= streams.size())
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "study \"" + request->study() + "\" does not exist");
    for (const v1::StudySnapshot& snapshot : streams[index].first) writer->Write(snapshot);
    return streams[index].second;
  }
  grpc::Status ReadTrialLog(grpc::ServerContext*, const v1::ReadTrialLogRequest* request,
                            grpc::ServerWriter<v1::TrialLogChunk>* writer) override {
    size_t index = 0;
    {
      MutexLock lock(mutex_);
      index = log_requests_.size();
      log_requests_.push_back(*request);
    }
    if (index >= logs.size()) return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such trial");
    for (const v1::TrialLogChunk& chunk : logs[index].first) writer->Write(chunk);
    return logs[index].second;
  }
  grpc::Status ListArtifacts(grpc::ServerContext*, const v1::ListArtifactsRequest* request,
                             v1::ListArtifactsResponse* response) override {
    for (const auto& [artifact, content] : artifacts) *response->add_artifacts() = artifact;
    return Begin("ListArtifacts", request->study() + "/" + std::to_string(request->number()), "");
  }
  grpc::Status ReadArtifact(grpc::ServerContext*, const v1::ReadArtifactRequest* request,
                            grpc::ServerWriter<v1::ArtifactChunk>* writer) override {
    if (const grpc::Status status = Begin("ReadArtifact", request->name(), ""); !status.ok()) return status;
    const auto found = std::find_if(artifacts.rbegin(), artifacts.rend(), [&](const auto& one) {
      return one.first.name() == request->name() && (!request->has_step() || one.first.step() == request->step());
    });
    if (found == artifacts.rend()) return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such artifact");
    v1::ArtifactChunk chunk;
    *chunk.mutable_artifact() = found->first;
    writer->Write(chunk);
    chunk.clear_artifact();
    chunk.set_data(found->second);
    writer->Write(chunk);
    return grpc::Status::OK;
  }
  grpc::Status DownloadTrialCheckpoint(grpc::ServerContext*, const v1::DownloadTrialCheckpointRequest* request,
                                       grpc::ServerWriter<v1::TrialCheckpointChunk>* writer) override {
    const grpc::Status status = Begin("DownloadTrialCheckpoint", v1::CheckpointChoice_Name(request->choice()), "");
    if (checkpoint.first.sha256().empty()) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "trial 0 has no checkpoint any more");
    }
    v1::TrialCheckpointChunk chunk;
    *chunk.mutable_checkpoint() = checkpoint.first;
    writer->Write(chunk);
    chunk.clear_checkpoint();
    chunk.set_data(checkpoint.second.substr(0, 3));
    writer->Write(chunk);
    if (!status.ok()) return status;  // cut off
    chunk.set_data(checkpoint.second.substr(3));
    writer->Write(chunk);
    return grpc::Status::OK;
  }
  grpc::Status ListTrials(grpc::ServerContext*, const v1::ListTrialsRequest* request,
                          v1::ListTrialsResponse* response) override {
    {
      MutexLock lock(mutex_);
      last_list_ = *request;
    }
    const size_t begin = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    const size_t end = std::min(
        trials.size(), begin + std::min(page_size, request->page_size() > 0 ? request->page_size() : page_size));
    for (size_t i = begin; i < end; ++i) *response->add_trials() = trials[i];
    if (end < trials.size()) response->set_next_page_token(std::to_string(end));
    return grpc::Status::OK;
  }
  grpc::Status GetTrial(grpc::ServerContext*, const v1::GetTrialRequest* request, v1::TrialDetail* response) override {
    for (const v1::Trial& trial : trials) {
      if (trial.number() != request->number()) continue;
      *response = detail;
      *response->mutable_trial() = trial;
    }
    return response->has_trial() ? grpc::Status::OK : grpc::Status(grpc::StatusCode::NOT_FOUND, "no such trial");
  }
  grpc::Status GetCurve(grpc::ServerContext*, const v1::GetCurveRequest* request, v1::Curve* response) override {
    *response = curve;
    response->set_number(request->number());
    return grpc::Status::OK;
  }
  grpc::Status GetBestTrials(grpc::ServerContext*, const v1::GetBestTrialsRequest* request,
                             v1::ListTrialsResponse* response) override {
    for (int i = 0; i < request->count() && i < static_cast<int>(trials.size()); ++i)
      *response->add_trials() = trials[i];
    return grpc::Status::OK;
  }
  grpc::Status EnqueueTrial(grpc::ServerContext*, const v1::EnqueueTrialRequest* request,
                            v1::EnqueueTrialResponse* response) override {
    const grpc::Status status = Begin("EnqueueTrial", request->study(), request->request_id());
    MutexLock lock(mutex_);
    enqueued_ = *request;
    response->set_position(2);
    return status;
  }
  grpc::Status RetryTrial(grpc::ServerContext*, const v1::ChangeTrialRequest* request, v1::Trial* response) override {
    response->set_number(request->number());
    response->set_state(v1::TRIAL_STATE_WAITING);
    return Begin("RetryTrial", request->study() + "/" + std::to_string(request->number()), request->request_id());
  }
  grpc::Status CancelTrial(grpc::ServerContext*, const v1::ChangeTrialRequest* request, v1::Trial* response) override {
    response->set_number(request->number());
    response->set_state(v1::TRIAL_STATE_CANCELLED);
    return Begin("CancelTrial", request->study() + "/" + std::to_string(request->number()), request->request_id());
  }
  grpc::Status ListWorkers(grpc::ServerContext*, const v1::ListWorkersRequest*,
                           v1::ListWorkersResponse* response) override {
    for (const v1::Worker& worker : workers) *response->add_workers() = worker;
    return grpc::Status::OK;
  }
  grpc::Status DrainWorker(grpc::ServerContext*, const v1::ChangeWorkerRequest* request,
                           v1::Worker* response) override {
    response->set_name(request->name());
    response->set_state(v1::WORKER_STATE_DRAINING);
    return Begin("DrainWorker", request->name(), request->request_id());
  }
  grpc::Status EnableWorker(grpc::ServerContext*, const v1::ChangeWorkerRequest* request,
                            v1::Worker* response) override {
    response->set_name(request->name());
    response->set_state(v1::WORKER_STATE_ONLINE);
    return Begin("EnableWorker", request->name(), request->request_id());
  }
  grpc::Status GetServerStatus(grpc::ServerContext*, const v1::GetServerStatusRequest*,
                               v1::ServerStatus* response) override {
    *response = status;
    return grpc::Status::OK;
  }

 private:
  grpc::Status Begin(const std::string& method, const std::string& target, const std::string& request_id) {
    MutexLock lock(mutex_);
    seen_.push_back({method, target, request_id});
    if (errors_.empty()) return grpc::Status::OK;
    const grpc::Status error = errors_.front();
    errors_.pop_front();
    return error;
  }
  grpc::Status Give(const std::string& name, v1::Study* response) const {
    if (name != study.spec().name() && name != std::to_string(study.id())) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "study \"" + name + "\" does not exist");
    }
    *response = study;
    return grpc::Status::OK;
  }
  grpc::Status Change(const std::string& method, const v1::ChangeStudyRequest& request, v1::Study* response) {
    const grpc::Status status = Begin(method, request.study(), request.request_id());
    return status.ok() ? Give(request.study(), response) : status;
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  mutable Mutex mutex_;
  std::deque<grpc::Status> errors_ ATHANOR_GUARDED_BY(mutex_);
  std::vector<SeenCall> seen_ ATHANOR_GUARDED_BY(mutex_);
  std::vector<v1::WatchStudyRequest> watches_ ATHANOR_GUARDED_BY(mutex_);
  std::vector<v1::ReadTrialLogRequest> log_requests_ ATHANOR_GUARDED_BY(mutex_);
  v1::StudySpec created_ ATHANOR_GUARDED_BY(mutex_);
  v1::ListTrialsRequest last_list_ ATHANOR_GUARDED_BY(mutex_);
  v1::GetImportanceRequest::Method importance_method_ ATHANOR_GUARDED_BY(mutex_) =
      v1::GetImportanceRequest::METHOD_UNSPECIFIED;
  v1::CollectGarbageRequest last_collection_ ATHANOR_GUARDED_BY(mutex_);
  v1::UpdateStudyRequest updated_ ATHANOR_GUARDED_BY(mutex_);
  v1::EnqueueTrialRequest enqueued_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor::testing
