#include "client/api/study_client.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/status.h"

namespace athanor {
namespace {

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::shared_ptr<grpc::Channel> Connect(const StudyClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_interval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  // A watch only listens: without this it is probed twice and never again.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A coordinator is asked directly, whatever proxy the environment names for the web.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // The library's own pauses (1 s to 2 min) would make every retry of ours fail before it was tried.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetMaxReceiveMessageSize(-1);  // a curve of 100,000 points is larger than the default of 4 MiB
  return grpc::CreateCustomChannel(options.coordinator, grpc::InsecureChannelCredentials(), arguments);
}

uint64_t SystemSeed() {
  std::random_device device;
  return HashWords({device(), device(), device(), device()});
}

// Sleeps, or less if the channel becomes ready meanwhile. A channel that failed connects again only while somebody
// waits on it: after a plain sleep it would still answer with its last failure.
void WaitForChannel(grpc::Channel& channel, Duration duration) {
  const auto end =
      std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
  grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
  while (channel.WaitForStateChange(state, end)) {
    state = channel.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return;
  }
}

StudyClientOptions WithDefaults(StudyClientOptions options, const std::shared_ptr<grpc::Channel>& channel) {
  if (!options.seed) options.seed = SystemSeed();
  if (!options.sleep) options.sleep = [channel](Duration duration) { WaitForChannel(*channel, duration); };
  return options;
}

}  // namespace

StudyClient::StudyClient(StudyClientOptions options) : StudyClient(options, Connect(options)) {}

StudyClient::StudyClient(StudyClientOptions options, std::shared_ptr<grpc::Channel> channel)
    : options_(WithDefaults(std::move(options), channel)),
      studies_(v1::StudyService::NewStub(channel)),
      admin_(v1::AdminService::NewStub(channel)),
      random_(*options_.seed) {}

bool StudyClient::IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

absl::Status StudyClient::FromGrpc(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());  // the numbers are the same by definition
  if (code == absl::StatusCode::kUnavailable) {
    return absl::UnavailableError(
        fmt::format("coordinator {} is not available: {}", options_.coordinator, status.error_message()));
  }
  if (code == absl::StatusCode::kDeadlineExceeded) {
    return absl::DeadlineExceededError(
        fmt::format("coordinator {} did not answer in time: {}", options_.coordinator, status.error_message()));
  }
  // The library itself says nothing when a coordinator does not know the call.
  if (status.error_message().empty()) {
    return absl::Status(
        code, fmt::format("coordinator {} answered {}", options_.coordinator, absl::StatusCodeToString(code)));
  }
  return absl::Status(code, status.error_message());
}

std::string StudyClient::NewRequestId() {
  MutexLock lock(mutex_);
  const uint64_t high = random_.Next();
  return fmt::format("{:016x}{:016x}", high, random_.Next());
}

Duration StudyClient::Backoff(int attempt) {
  Duration longest = options_.retry.initial_backoff;
  for (int i = 1; i < attempt && longest < options_.retry.max_backoff; ++i) longest *= 2;
  longest = std::min(longest, options_.retry.max_backoff);
  MutexLock lock(mutex_);
  return std::chrono::duration_cast<Duration>(longest * (0.5 + random_.Uniform() / 2));
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> StudyClient::Call(
    Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(options_.deadline));
    Response response;
    const absl::Status status = FromGrpc((stub.*method)(&context, request, &response));
    if (status.ok()) return response;
    if (!IsTransient(status) || attempt >= options_.retry.max_attempts) return status;
    options_.sleep(Backoff(attempt));
  }
}

absl::StatusOr<v1::Study> StudyClient::CreateStudy(const v1::StudySpec& spec) {
  v1::CreateStudyRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(NewRequestId());
  return Call(*studies_, &v1::StudyService::Stub::CreateStudy, request);
}

absl::StatusOr<v1::StudyPlan> StudyClient::PlanStudy(const v1::StudySpec& spec) {
  v1::PlanStudyRequest request;
  *request.mutable_spec() = spec;
  return Call(*studies_, &v1::StudyService::Stub::PlanStudy, request);
}

absl::StatusOr<v1::Study> StudyClient::GetStudy(const std::string& study) {
  v1::GetStudyRequest request;
  request.set_study(study);
  return Call(*studies_, &v1::StudyService::Stub::GetStudy, request);
}

absl::StatusOr<v1::ListStudiesResponse> StudyClient::ListStudies(const v1::ListStudiesRequest& request) {
  return Call(*studies_, &v1::StudyService::Stub::ListStudies, request);
}

absl::StatusOr<v1::Study> StudyClient::ChangeStudy(
    grpc::Status (v1::StudyService::Stub::*method)(grpc::ClientContext*, const v1::ChangeStudyRequest&, v1::Study*),
    const std::string& study) {
  v1::ChangeStudyRequest request;
  request.set_study(study);
  request.set_request_id(NewRequestId());
  return Call(*studies_, method, request);
}

absl::StatusOr<v1::Study> StudyClient::PauseStudy(const std::string& study) {
  return ChangeStudy(&v1::StudyService::Stub::PauseStudy, study);
}

absl::StatusOr<v1::Study> StudyClient::ResumeStudy(const std::string& study) {
  return ChangeStudy(&v1::StudyService::Stub::ResumeStudy, study);
}

absl::StatusOr<v1::Study> StudyClient::CancelStudy(const std::string& study) {
  return ChangeStudy(&v1::StudyService::Stub::CancelStudy, study);
}

absl::StatusOr<v1::Study> StudyClient::UpdateStudy(v1::UpdateStudyRequest request) {
  request.set_request_id(NewRequestId());
  return Call(*studies_, &v1::StudyService::Stub::UpdateStudy, request);
}

absl::Status StudyClient::DeleteStudy(const std::string& study) {
  v1::ChangeStudyRequest request;
  request.set_study(study);
  request.set_request_id(NewRequestId());
  return Call(*studies_, &v1::StudyService::Stub::DeleteStudy, request).status();
}

absl::StatusOr<v1::GarbageReport> StudyClient::CollectGarbage(const std::string& study, Garbage garbage) {
  v1::CollectGarbageRequest request;
  request.set_study(study);
  request.set_dry_run(garbage == Garbage::kDryRun);
  request.set_request_id(NewRequestId());
  return Call(*studies_, &v1::StudyService::Stub::CollectGarbage, request);
}

std::unique_ptr<StudyWatch> StudyClient::WatchStudy(const v1::WatchStudyRequest& request) {
  return std::unique_ptr<StudyWatch>(new StudyWatch(*this, request));
}

absl::StatusOr<v1::ListTrialsResponse> StudyClient::ListTrials(const v1::ListTrialsRequest& request) {
  return Call(*studies_, &v1::StudyService::Stub::ListTrials, request);
}

absl::Status StudyClient::ForEachTrial(v1::ListTrialsRequest request,
                                       const std::function<absl::Status(const v1::Trial&)>& visit) {
  do {
    ATHANOR_ASSIGN_OR_RETURN(const v1::ListTrialsResponse page, ListTrials(request));
    for (const v1::Trial& trial : page.trials()) ATHANOR_RETURN_IF_ERROR(visit(trial));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<v1::TrialDetail> StudyClient::GetTrial(const std::string& study, int64_t number) {
  v1::GetTrialRequest request;
  request.set_study(study);
  request.set_number(number);
  return Call(*studies_, &v1::StudyService::Stub::GetTrial, request);
}

absl::StatusOr<std::vector<v1::Artifact>> StudyClient::ListArtifacts(const std::string& study, int64_t number) {
  v1::ListArtifactsRequest request;
  request.set_study(study);
  request.set_number(number);
  ATHANOR_ASSIGN_OR_RETURN(const v1::ListArtifactsResponse response,
                           Call(*studies_, &v1::StudyService::Stub::ListArtifacts, request));
  return std::vector<v1::Artifact>(response.artifacts().begin(), response.artifacts().end());
}

absl::StatusOr<v1::Curve> StudyClient::GetCurve(const v1::GetCurveRequest& request) {
  return Call(*studies_, &v1::StudyService::Stub::GetCurve, request);
}

absl::StatusOr<std::vector<v1::Trial>> StudyClient::GetBestTrials(const std::string& study, int count) {
  v1::GetBestTrialsRequest request;
  request.set_study(study);
  request.set_count(count);
  ATHANOR_ASSIGN_OR_RETURN(const v1::ListTrialsResponse page,
                           Call(*studies_, &v1::StudyService::Stub::GetBestTrials, request));
  return std::vector<v1::Trial>(page.trials().begin(), page.trials().end());
}

absl::StatusOr<v1::Importance> StudyClient::GetImportance(const std::string& study,
                                                          v1::GetImportanceRequest::Method method) {
  v1::GetImportanceRequest request;
  request.set_study(study);
  request.set_method(method);
  return Call(*studies_, &v1::StudyService::Stub::GetImportance, request);
}

absl::StatusOr<v1::EnqueueTrialResponse> StudyClient::EnqueueTrial(const std::string& study,
                                                                   const std::vector<v1::NamedValue>& parameters) {
  v1::EnqueueTrialRequest request;
  request.set_study(study);
  request.mutable_parameters()->Add(parameters.begin(), parameters.end());
  request.set_request_id(NewRequestId());
  return Call(*studies_, &v1::StudyService::Stub::EnqueueTrial, request);
}

absl::StatusOr<v1::Trial> StudyClient::ChangeTrial(
    grpc::Status (v1::StudyService::Stub::*method)(grpc::ClientContext*, const v1::ChangeTrialRequest&, v1::Trial*),
    const std::string& study, int64_t number) {
  v1::ChangeTrialRequest request;
  request.set_study(study);
  request.set_number(number);
  request.set_request_id(NewRequestId());
  return Call(*studies_, method, request);
}

absl::StatusOr<v1::Trial> StudyClient::RetryTrial(const std::string& study, int64_t number) {
  return ChangeTrial(&v1::StudyService::Stub::RetryTrial, study, number);
}

absl::StatusOr<v1::Trial> StudyClient::CancelTrial(const std::string& study, int64_t number) {
  return ChangeTrial(&v1::StudyService::Stub::CancelTrial, study, number);
}

absl::StatusOr<std::vector<v1::Worker>> StudyClient::ListWorkers() {
  std::vector<v1::Worker> workers;
  v1::ListWorkersRequest request;
  do {
    ATHANOR_ASSIGN_OR_RETURN(const v1::ListWorkersResponse page,
                             Call(*admin_, &v1::AdminService::Stub::ListWorkers, request));
    workers.insert(workers.end(), page.workers().begin(), page.workers().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return workers;
}

absl::StatusOr<v1::Worker> StudyClient::ChangeWorker(
    grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*, const v1::ChangeWorkerRequest&, v1::Worker*),
    const std::string& name) {
  v1::ChangeWorkerRequest request;
  request.set_name(name);
  request.set_request_id(NewRequestId());
  return Call(*admin_, method, request);
}

absl::StatusOr<v1::Worker> StudyClient::DrainWorker(const std::string& name) {
  return ChangeWorker(&v1::AdminService::Stub::DrainWorker, name);
}

absl::StatusOr<v1::Worker> StudyClient::EnableWorker(const std::string& name) {
  return ChangeWorker(&v1::AdminService::Stub::EnableWorker, name);
}

absl::StatusOr<v1::ServerStatus> StudyClient::GetServerStatus() {
  return Call(*admin_, &v1::AdminService::Stub::GetServerStatus, v1::GetServerStatusRequest());
}

absl::Status StudyClient::ReadTrialLog(v1::ReadTrialLogRequest request,
                                       const std::function<absl::Status(const v1::TrialLogChunk&)>& visit) {
  for (int failures = 0;;) {
    grpc::ClientContext context;
    if (!request.follow()) {
      context.set_deadline(std::chrono::system_clock::now() +
                           std::chrono::duration_cast<std::chrono::system_clock::duration>(options_.deadline));
    }
    const auto stream = studies_->ReadTrialLog(&context, request);
    for (v1::TrialLogChunk chunk; stream->Read(&chunk);) {
      failures = 0;
      if (const absl::Status enough = visit(chunk); !enough.ok()) {
        context.TryCancel();
        (void)stream->Finish();
        return enough;
      }
      request.set_after_token(chunk.token());
      request.set_after_offset(chunk.end_offset());
    }
    const absl::Status status = FromGrpc(stream->Finish());
    if (!IsTransient(status) || ++failures >= MostFailures(request.after_token() != 0)) return status;
    options_.sleep(Backoff(failures));
  }
}

bool StudyWatch::Open() {
  MutexLock lock(mutex_);
  if (cancelled_) return false;
  context_ = std::make_unique<grpc::ClientContext>();
  stream_ = client_.studies_->WatchStudy(context_.get(), request_);
  return true;
}

absl::Status StudyWatch::Close() {
  const absl::Status status = client_.FromGrpc(stream_->Finish());
  stream_.reset();
  MutexLock lock(mutex_);
  context_.reset();
  return cancelled_ ? absl::CancelledError("the watch was cancelled") : status;
}

absl::StatusOr<std::optional<v1::StudySnapshot>> StudyWatch::Next() {
  while (!ended_) {
    if (stream_ == nullptr && !Open()) {
      ended_ = absl::CancelledError("the watch was cancelled");
      break;
    }
    v1::StudySnapshot snapshot;
    if (stream_->Read(&snapshot)) {
      begun_ = true;
      failures_ = 0;
      // Not the study's revision: decisions may be newer than it, or follow in the next snapshot.
      if (!snapshot.decisions().empty()) request_.set_after_revision(snapshot.decisions().rbegin()->revision());
      finished_ = snapshot.study().state() == v1::STUDY_STATE_COMPLETED ||
                  snapshot.study().state() == v1::STUDY_STATE_CANCELLED ||
                  snapshot.study().state() == v1::STUDY_STATE_FAILED;
      return snapshot;
    }
    absl::Status status = Close();
    if (status.ok() && !finished_) {  // a coordinator that shuts down closes its streams
      status = absl::UnavailableError(
          fmt::format("coordinator {}: the stream ended before the study did", client_.options_.coordinator));
    }
    if (!StudyClient::IsTransient(status) || ++failures_ >= client_.MostFailures(begun_)) {
      ended_ = status;
      break;
    }
    client_.options_.sleep(client_.Backoff(failures_));
  }
  if (!ended_->ok()) return *ended_;
  return std::optional<v1::StudySnapshot>();
}

void StudyWatch::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace athanor
