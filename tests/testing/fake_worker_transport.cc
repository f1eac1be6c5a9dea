#include "tests/testing/fake_worker_transport.h"

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/sha256.h"

namespace athanor {
namespace {

const absl::Status kAway = absl::UnavailableError("the coordinator is away");

}  // namespace

// Runs `cancel` on the coordinator's thread when the handle goes.
class FakeWorkerTransport::Call final : public CancellableCall {
 public:
  Call(boost::asio::io_context& io, std::function<void()> cancel) : io_(io), cancel_(std::move(cancel)) {}
  ~Call() override { boost::asio::post(io_, cancel_); }

 private:
  boost::asio::io_context& io_;
  std::function<void()> cancel_;
};

class FakeWorkerTransport::Stream final : public ReportStream {
 public:
  Stream(FakeWorkerTransport& transport, uint64_t id) : transport_(transport), id_(id) {}
  ~Stream() override { End(absl::CancelledError("the worker closed the stream")); }

  void Write(v1::ReportRequest request) override {
    boost::asio::post(transport_.io_, [&transport = transport_, id = id_, request = std::move(request)] {
      if (transport.stream_id_ != id) return;
      transport.stream_.on_written();
      transport.Apply(request);
    });
  }
  void WritesDone() override { End(absl::OkStatus()); }

 private:
  void End(absl::Status status) {
    boost::asio::post(transport_.io_, [&transport = transport_, id = id_, status = std::move(status)] {
      transport.EndStream(id, status);
    });
  }

  FakeWorkerTransport& transport_;
  uint64_t id_;
};

FakeWorkerTransport::FakeWorkerTransport() {
  state_.terms.set_lease_ms(30000);
  state_.terms.set_heartbeat_ms(20);
  state_.terms.set_long_poll_ms(5000);
  state_.terms.set_max_leases_per_acquire(8);
  state_.terms.set_state(v1::WORKER_STATE_ONLINE);
  thread_ = std::thread([this] { io_.run(); });
}

FakeWorkerTransport::~FakeWorkerTransport() {
  work_.reset();
  thread_.join();
}

void FakeWorkerTransport::Grant(const v1::Lease& lease) {
  Ask([&](State& state) {
    state.waiting.push_back(lease);
    AnswerPoll();
  });
}

void FakeWorkerTransport::Push(v1::CommandKind kind, const v1::LeaseRef& lease) {
  Ask([&](State&) {
    v1::ReportResponse response;
    response.add_commands()->set_kind(kind);
    *response.mutable_commands(0)->mutable_lease() = lease;
    if (stream_id_ != 0) stream_.on_response(response);
  });
}

void FakeWorkerTransport::SetReachable(bool reachable) {
  Ask([&](State& state) {
    state.reachable = reachable;
    if (reachable) return;
    EndStream(stream_id_, kAway);
    if (const auto poll = std::exchange(poll_, nullptr)) poll->done(kAway);
    for (Upload& upload : std::exchange(held_uploads_, {})) upload.done(kAway);
  });
}

void FakeWorkerTransport::SetAcknowledges(bool acknowledges) {
  Ask([&](State& state) {
    state.acknowledges = acknowledges;
    if (!acknowledges || stream_id_ == 0) return;
    for (v1::ReportResponse& response : std::exchange(unsent_, {})) stream_.on_response(std::move(response));
  });
}

void FakeWorkerTransport::ReleaseUploads() {
  Ask([&](State& state) {
    state.uploads_held = false;
    for (Upload& upload : std::exchange(held_uploads_, {})) EndUpload(std::move(upload));
  });
}

size_t FakeWorkerTransport::HeldUploads() {
  return Ask([this](State&) { return held_uploads_.size(); });
}

void FakeWorkerTransport::Register(v1::RegisterRequest request, Done<v1::RegisterResponse> done) {
  boost::asio::post(io_, [this, request = std::move(request), done = std::move(done)] {
    if (!state_.reachable) return done(kAway);
    state_.events.push_back("register");
    state_.registrations.push_back(request);
    state_.register_status.ok() ? done(state_.terms) : done(state_.register_status);
  });
}

std::unique_ptr<CancellableCall> FakeWorkerTransport::Acquire(v1::AcquireRequest request,
                                                              Done<v1::AcquireResponse> done) {
  auto poll = std::make_shared<Poll>(Poll{std::move(request), std::move(done)});
  boost::asio::post(io_, [this, poll] {
    if (!state_.reachable) return poll->done(kAway);
    if (poll->request.sequence() == last_acquire_) return poll->done(last_leases_);
    poll_ = poll;
    AnswerPoll();
  });
  return std::make_unique<Call>(io_, [this, poll] {
    if (poll_ != poll) return;
    poll_ = nullptr;
    poll->done(absl::CancelledError("cancelled"));
  });
}

void FakeWorkerTransport::AnswerPoll() {
  if (poll_ == nullptr || state_.waiting.empty()) return;
  v1::AcquireResponse response;
  while (!state_.waiting.empty() && response.leases_size() < poll_->request.max_trials()) {
    *response.add_leases() = state_.waiting.front();
    state_.waiting.pop_front();
  }
  last_acquire_ = poll_->request.sequence();
  last_leases_ = response;
  std::exchange(poll_, nullptr)->done(response);
}

void FakeWorkerTransport::Heartbeat(v1::HeartbeatRequest request, Done<v1::HeartbeatResponse> done) {
  boost::asio::post(io_, [this, request = std::move(request), done = std::move(done)] {
    if (!state_.reachable) return done(kAway);
    ++state_.heartbeats;
    state_.heartbeat_leases.assign(request.leases().begin(), request.leases().end());
    v1::HeartbeatResponse response;
    response.mutable_dead()->Assign(state_.dead.begin(), state_.dead.end());
    done(response);
  });
}

void FakeWorkerTransport::Finish(v1::FinishRequest request, Done<v1::FinishResponse> done) {
  boost::asio::post(io_, [this, request = std::move(request), done = std::move(done)] {
    if (!state_.reachable) return done(kAway);
    state_.finishes.push_back(request);
    done(v1::FinishResponse());
  });
}

void FakeWorkerTransport::AppendLog(v1::AppendLogRequest request, Done<v1::AppendLogResponse> done) {
  boost::asio::post(io_, [this, request = std::move(request), done = std::move(done)] {
    if (!state_.reachable) return done(kAway);
    if (!state_.log_status.ok()) return done(state_.log_status);
    Note("log", request.lease());
    state_.logs.push_back(request);
    v1::AppendLogResponse response;
    response.set_next_offset(request.offset() + static_cast<int64_t>(request.data().size()));
    done(response);
  });
}

std::unique_ptr<CancellableCall> FakeWorkerTransport::UploadCheckpoint(v1::UploadCheckpointRequest::Header header,
                                                                       const std::string& path,
                                                                       std::function<void(absl::Status)> done) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  boost::asio::post(io_, [this, upload = Upload{std::move(header), std::move(content), std::move(done)}]() mutable {
    if (!state_.reachable) return upload.done(kAway);
    if (state_.uploads_held) {
      held_uploads_.push_back(std::move(upload));
    } else {
      EndUpload(std::move(upload));
    }
  });
  return nullptr;  // an upload that goes on after it was cancelled is allowed, and told apart by its lease
}

void FakeWorkerTransport::EndUpload(Upload upload) {
  const v1::CheckpointRef& checkpoint = upload.header.checkpoint();
  if (!state_.upload_status.ok()) return upload.done(state_.upload_status);
  if (Sha256::Hex(upload.content) != checkpoint.sha256() ||
      static_cast<int64_t>(upload.content.size()) != checkpoint.size_bytes()) {
    return upload.done(absl::DataLossError("the file is not what the header says"));
  }
  state_.files[checkpoint.sha256()] = upload.content;
  Note(absl::StrCat("upload ", checkpoint.step()), upload.header.lease());
  upload.done(absl::OkStatus());
}

std::unique_ptr<CancellableCall> FakeWorkerTransport::UploadArtifact(v1::UploadArtifactRequest::Header header,
                                                                     const std::string& path,
                                                                     std::function<void(absl::Status)> done) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  boost::asio::post(io_, [this, header = std::move(header), content = std::move(content), done = std::move(done)] {
    if (!state_.reachable) return done(kAway);
    if (!state_.artifact_status.ok()) return done(state_.artifact_status);
    const std::string name = absl::StrCat(header.artifact().step(), "-", header.artifact().name());
    Note(absl::StrCat("artifact ", name), header.lease());
    state_.artifacts[name] = content;
    done(absl::OkStatus());
  });
  return nullptr;  // as for a checkpoint
}

std::unique_ptr<CancellableCall> FakeWorkerTransport::DownloadCheckpoint(v1::DownloadCheckpointRequest request,
                                                                         const std::string& path,
                                                                         std::function<void(absl::Status)> done) {
  boost::asio::post(io_, [this, request = std::move(request), path, done = std::move(done)] {
    if (!state_.reachable) return done(kAway);
    Note(absl::StrCat("download ", request.sha256().substr(0, 8)), request.lease());
    const auto found = state_.files.find(request.sha256());
    if (found == state_.files.end()) return done(absl::NotFoundError("no such checkpoint"));
    if (Sha256::Hex(found->second) != request.sha256()) return done(absl::DataLossError("damaged"));
    std::ofstream(path, std::ios::binary) << found->second;
    done(absl::OkStatus());
  });
  return nullptr;
}

std::unique_ptr<ReportStream> FakeWorkerTransport::OpenReportStream(ReportStreamObserver observer) {
  return Ask([&](State& state) {
    const uint64_t id = next_stream_id_++;
    if (state.reachable) {
      stream_ = observer;
      stream_id_ = id;
      unsent_.clear();
    } else {
      observer.on_closed(kAway);
    }
    return std::make_unique<Stream>(*this, id);
  });
}

void FakeWorkerTransport::EndStream(uint64_t id, const absl::Status& status) {
  if (id == 0 || stream_id_ != id) return;
  stream_id_ = 0;
  stream_.on_closed(status);
}

void FakeWorkerTransport::Apply(const v1::ReportRequest& request) {
  v1::ReportResponse response;
  response.set_acknowledged_sequence(request.sequence());
  for (const v1::TrialReport& report : request.reports()) {
    if (report.has_progress()) Note("progress", report.lease());
    if (report.measurements().empty()) continue;
    state_.reports.push_back(report);
    for (const v1::Measurement& measurement : report.measurements()) {
      Note(absl::StrCat("report ", measurement.step()), report.lease());
    }
    v1::Verdict verdict;
    verdict.set_action(v1::ACTION_CONTINUE);
    if (state_.verdict) verdict = state_.verdict(report);
    *verdict.mutable_lease() = report.lease();
    verdict.set_step(report.measurements().rbegin()->step());
    *response.add_verdicts() = verdict;
  }
  for (const v1::FinishRequest& finish : request.finishes()) {
    state_.finishes.push_back(finish);
    const std::string outcome = v1::AttemptOutcome_Name(finish.outcome());
    Note(absl::StrCat("finish ", absl::StripPrefix(outcome, "ATTEMPT_OUTCOME_")), finish.lease());
  }
  if (state_.acknowledges) {
    stream_.on_response(std::move(response));
  } else {
    unsent_.push_back(std::move(response));
  }
}

void FakeWorkerTransport::Note(const std::string& event, const v1::LeaseRef& lease) {
  state_.events.push_back(lease.trial_number() == 0 ? event : absl::StrCat(event, " of trial ", lease.trial_number()));
}

}  // namespace athanor
