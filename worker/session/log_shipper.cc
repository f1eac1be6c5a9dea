#include "worker/session/log_shipper.h"

#include <spdlog/spdlog.h>

#include <limits>
#include <utility>

#include "base/random.h"
#include "worker/session/transfer.h"

namespace athanor::session {

LogShipper::LogShipper(boost::asio::io_context& io, WorkerTransport& transport, const LeaseKey& lease,
                       const LogShipperOptions& options)
    : io_(io),
      transport_(transport),
      lease_(lease),
      options_(options),
      buffer_(options.part_bytes),
      backoff_(options.backoff, HashWords({static_cast<uint64_t>(lease.token), 2})),
      pause_(io),
      flush_limit_(io) {}

void LogShipper::Append(std::string_view bytes) {
  if (closed_) return;
  buffer_.Append(bytes);
  if (!scheduled_ && !sending_) SendIn(options_.interval);
}

void LogShipper::SendIn(Duration pause) {
  scheduled_ = true;
  pause_.expires_after(pause);
  pause_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self != nullptr && self->scheduled_) self->Send();
  });
}

void LogShipper::Send() {
  scheduled_ = false;
  sending_ = true;
  v1::AppendLogRequest request;
  *request.mutable_lease() = lease_.ToProto();
  request.set_offset(buffer_.front_offset());
  request.set_data(buffer_.front());
  transport_.AppendLog(std::move(request),
                       PostTo(io_, shared_from_this(),
                              [this](const absl::StatusOr<v1::AppendLogResponse>& answer) { OnAnswer(answer); }));
}

void LogShipper::OnAnswer(const absl::StatusOr<v1::AppendLogResponse>& answer) {
  sending_ = false;
  if (closed_) return;
  const TransferFate fate = JudgeTransfer(answer.status(), 1);
  failed_ = fate == TransferFate::kRetry || absl::IsResourceExhausted(answer.status());
  if (fate == TransferFate::kDone) {
    backoff_.Reset();
    buffer_.Acknowledge(answer->next_offset());
  } else if (!failed_) {
    // The study is gone, or the coordinator knows no logs.
    spdlog::warn("lease {}: its log is refused from byte {} on: {}", lease_.ToString(), buffer_.front_offset(),
                 answer.status().ToString());
    closed_ = true;
  }
  if (closed_ || buffer_.empty()) {
    EndFlush();
  } else if (failed_) {
    SendIn(backoff_.Next());
  } else if (flushed_ != nullptr) {
    Send();
  } else {
    SendIn(options_.interval);
  }
}

void LogShipper::Flush(Duration timeout, std::function<void()> done) {
  flushed_ = std::move(done);
  if (closed_ || buffer_.empty()) return EndFlush();
  flush_limit_.expires_after(timeout);
  flush_limit_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->EndFlush();
  });
  if (scheduled_ && !failed_) {
    pause_.cancel();
    Send();
  }
}

void LogShipper::EndFlush() {
  flush_limit_.cancel();
  if (flushed_ != nullptr) std::exchange(flushed_, nullptr)();
}

void LogShipper::RetryNow() {
  if (!scheduled_ || !failed_) return;
  pause_.cancel();
  Send();
}

void LogShipper::Cancel() {
  if (!closed_ && !buffer_.empty()) {
    spdlog::warn("lease {}: its log was not taken in time and is given up from byte {} on", lease_.ToString(),
                 buffer_.front_offset());
  }
  closed_ = true;
  scheduled_ = false;
  flushed_ = nullptr;
  pause_.cancel();
  flush_limit_.cancel();
}

}  // namespace athanor::session
