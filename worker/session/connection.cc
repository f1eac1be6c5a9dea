#include "worker/session/connection.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "worker/session/transfer.h"

namespace athanor::session {
namespace {

using std::chrono::milliseconds;

// An empty answer sooner than this after its question is followed by a pause of the same length: no busy poll, whatever
// the coordinator does.
constexpr Duration kShortestPoll = std::chrono::seconds(1);

// The commit failed, or the coordinator is in trouble: nothing was stored and the same may succeed later.
bool IsTransient(int status_code) {
  switch (static_cast<absl::StatusCode>(status_code)) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnauthenticated(status) || absl::IsUnimplemented(status);
}

}  // namespace

Connection::Connection(boost::asio::io_context& io, const Clock& clock, WorkerTransport& transport,
                       ReportQueue& reports, v1::RegisterRequest registration, const Backoff::Options& backoff,
                       uint64_t jitter_seed, Observer* observer)
    : io_(io),
      clock_(clock),
      transport_(transport),
      reports_(reports),
      registration_(std::move(registration)),
      longest_pause_(backoff.cap),
      backoff_(backoff, jitter_seed),
      observer_(observer),
      reconnect_timer_(io),
      heartbeat_timer_(io),
      poll_timer_(io) {}

template <typename Handler>
auto Connection::WhileConnected(Handler handler) {
  return PostTo(io_, shared_from_this(), [this, generation = generation_, handler](auto&&... arguments) {
    if (generation == generation_) handler(std::forward<decltype(arguments)>(arguments)...);
  });
}

void Connection::Connect() {
  ++generation_;
  transport_.Register(registration_, WhileConnected([this](const absl::StatusOr<v1::RegisterResponse>& response) {
                        OnRegisterAnswer(response);
                      }));
}

void Connection::OnRegisterAnswer(const absl::StatusOr<v1::RegisterResponse>& response) {
  if (!response.ok()) {
    if (IsRefusal(response.status())) {
      observer_->OnRefused(response.status());
    } else {
      Lose("register", response.status());
    }
    return;
  }
  terms_ = *response;
  if (terms_.lease_ms() > 0) backoff_.SetCap(std::min<Duration>(longest_pause_, milliseconds(terms_.lease_ms()) / 3));
  connected_ = true;
  spdlog::info("registered with the coordinator as {}", registration_.worker());
  observer_->OnRegistered(terms_);
  OpenStream();
  Heartbeat();
  PollForWork();
}

void Connection::OpenStream() {
  reports_.Rewind();
  writing_ = false;
  stream_ = transport_.OpenReportStream({
      .on_written = WhileConnected([this] {
        writing_ = false;
        Pump();
      }),
      .on_response = WhileConnected([this](const v1::ReportResponse& response) { OnResponse(response); }),
      .on_closed = WhileConnected([this](const absl::Status& status) { OnStreamClosed(status); }),
  });
  Pump();
}

void Connection::Pump() {
  if (stream_ == nullptr || writing_ || closed_ != nullptr) return;
  std::optional<v1::ReportRequest> request = reports_.Take();
  if (!request.has_value()) return;
  if (request->sequence() == 1) {
    request->set_worker(registration_.worker());
    request->set_incarnation(registration_.incarnation());
  }
  writing_ = true;
  stream_->Write(*std::move(request));
}

void Connection::OnResponse(const v1::ReportResponse& response) {
  for (const v1::Verdict& verdict : response.verdicts()) {
    if (!IsTransient(verdict.status_code())) continue;
    // Unacknowledged on this side, so all of it is sent again.
    Lose("report", absl::Status(static_cast<absl::StatusCode>(verdict.status_code()), verdict.status_message()));
    return;
  }
  backoff_.Reset();
  for (const v1::Verdict& verdict : response.verdicts()) observer_->OnVerdict(verdict);
  for (const LeaseKey& lease : reports_.Acknowledge(response.acknowledged_sequence())) {
    observer_->OnFinishAcknowledged(lease);
  }
  for (const v1::Command& command : response.commands()) observer_->OnCommand(command);
  observer_->OnAcknowledged();
  Pump();
}

void Connection::OnStreamClosed(const absl::Status& status) {
  if (closed_ != nullptr) {
    std::exchange(closed_, nullptr)();
  } else {
    Lose("report stream", status);
  }
}

void Connection::Heartbeat() {
  v1::HeartbeatRequest request;
  request.set_worker(registration_.worker());
  request.set_incarnation(registration_.incarnation());
  for (const LeaseKey& lease : observer_->HeldLeases()) *request.add_leases() = lease.ToProto();
  transport_.Heartbeat(
      std::move(request),
      WhileConnected([this](const absl::StatusOr<v1::HeartbeatResponse>& response) { OnHeartbeatAnswer(response); }));
}

void Connection::OnHeartbeatAnswer(const absl::StatusOr<v1::HeartbeatResponse>& response) {
  if (!response.ok()) {
    Lose("heartbeat", response.status());
    return;
  }
  for (const v1::LeaseRef& lease : response->dead()) observer_->OnLeaseDead(LeaseKey(lease));
  for (const v1::Command& command : response->commands()) observer_->OnCommand(command);
  heartbeat_timer_.expires_after(milliseconds(std::max<int64_t>(terms_.heartbeat_ms(), 1)));
  heartbeat_timer_.async_wait(
      [weak = weak_from_this(), generation = generation_](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self != nullptr && generation == self->generation_) self->Heartbeat();
      });
}

void Connection::PollForWork() {
  const int free_slots = observer_->FreeSlots();
  if (!connected_ || !polling_ || polled_ || free_slots == 0) return;
  v1::AcquireRequest request;
  request.set_worker(registration_.worker());
  request.set_incarnation(registration_.incarnation());
  request.set_sequence(acquire_sequence_);
  request.set_max_trials(terms_.max_leases_per_acquire() > 0 ? std::min(free_slots, terms_.max_leases_per_acquire())
                                                             : free_slots);
  request.set_wait_ms(terms_.long_poll_ms());
  polled_ = true;
  acquire_ = transport_.Acquire(
      std::move(request),
      WhileConnected([this, asked = clock_.Read().monotonic](const absl::StatusOr<v1::AcquireResponse>& response) {
        OnAcquireAnswer(response, asked);
      }));
}

void Connection::OnAcquireAnswer(const absl::StatusOr<v1::AcquireResponse>& response, MonotonicTime asked) {
  acquire_.reset();
  polled_ = false;
  if (!response.ok()) {
    if (polling_) Lose("acquire", response.status());
    return;
  }
  ++acquire_sequence_;
  if (response->leases_size() > 0) {
    observer_->OnLeases(*response);
    PollForWork();
    return;
  }
  if (clock_.Read().monotonic - asked >= kShortestPoll) {
    PollForWork();
    return;
  }
  polled_ = true;
  poll_timer_.expires_after(kShortestPoll);
  poll_timer_.async_wait([weak = weak_from_this(), generation = generation_](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || self == nullptr || generation != self->generation_) return;
    self->polled_ = false;
    self->PollForWork();
  });
}

void Connection::StopPolling() {
  polling_ = false;
  acquire_.reset();
}

void Connection::Close(std::function<void()> closed) {
  polling_ = false;
  heartbeat_timer_.cancel();
  reconnect_timer_.cancel();
  if (stream_ == nullptr || writing_) {
    stream_.reset();
    ++generation_;
    closed();
    return;
  }
  closed_ = std::move(closed);
  stream_->WritesDone();
}

void Connection::Lose(const char* what, const absl::Status& status) {
  ++generation_;
  connected_ = false;
  polled_ = false;
  stream_.reset();
  acquire_.reset();
  heartbeat_timer_.cancel();
  if (closed_ != nullptr) {
    std::exchange(closed_, nullptr)();
    return;
  }
  const Duration pause = backoff_.Next();
  spdlog::warn("lost the coordinator ({}: {}); trying again in {} ms", what, status.ToString(),
               std::chrono::duration_cast<milliseconds>(pause).count());
  reconnect_timer_.expires_after(pause);
  reconnect_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->Connect();
  });
}

}  // namespace athanor::session
