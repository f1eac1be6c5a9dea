// What the transfers of a lease have in common, be it of checkpoints or of artifacts, up or down: one rule for what to
// make of a transfer that ended, and the way back from the threads of the transport.
//
// CheckpointUploader, CheckpointFetcher and ArtifactShipper judge by it; LogShipper and Connection only post. Each of
// them keeps its own count of failures and its own back-off (backoff.h); here is no state.
//
// Threads: JudgeTransfer is pure and may run anywhere. What PostTo returns may be called from any thread and never
// blocks; the handler runs on the thread of the io_context alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"

namespace athanor::session {

enum class TransferFate {
  kDone,       // the file is where it should be
  kRetry,      // the same again, after the back-off or as soon as the coordinator is back
  kGiveUp,     // go on without this file; others may fare better
  kLeaseLost,  // no call under this token is taken any more
};

// `status`: how the transfer ended, as WorkerTransport says it. `failures`: how often this file has failed so far, this
// time included; not looked at if `status` is OK.
//
//   OK                                             kDone
//   FAILED_PRECONDITION: the token is dead         kLeaseLost
//   UNAVAILABLE: the coordinator is away or busy   kRetry, for as long as the lease lives: training goes on meanwhile
//   NOT_FOUND, DATA_LOSS, RESOURCE_EXHAUSTED,      kGiveUp: the file is gone, not what it was announced as, or has no
//   INVALID_ARGUMENT, UNIMPLEMENTED                room; another try would end the same way
//   any other, such as DEADLINE_EXCEEDED           kRetry twice, then kGiveUp: it may pass
//
// There is no fate that fails an attempt, because no trial may fail on account of a file (SEMANTICS section 3).
inline TransferFate JudgeTransfer(const absl::Status& status, int failures) {
  constexpr int kAttempts = 3;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return TransferFate::kDone;
    case absl::StatusCode::kFailedPrecondition:
      return TransferFate::kLeaseLost;
    case absl::StatusCode::kUnavailable:
      return TransferFate::kRetry;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return TransferFate::kGiveUp;
    default:
      return failures < kAttempts ? TransferFate::kRetry : TransferFate::kGiveUp;
  }
}

// A callback for foreign threads: each call posts `handler(arguments...)` to the io_context, in the order of the calls
// of one thread, and never runs it from within. Arguments are copied or moved into the post, so nothing that they refer
// to has to live on.
//
// Ownership: the callback keeps `owner` alive only while the handler runs. If it has died by then the handler is
// dropped without a word, so `handler` may refer to the owner's members. The io_context must outlive every use of it.
template <typename Owner, typename Handler>
auto PostTo(boost::asio::io_context& io, const std::shared_ptr<Owner>& owner, Handler handler) {
  return [&io, weak = std::weak_ptr<Owner>(owner), handler = std::move(handler)](auto... arguments) {
    boost::asio::post(io, [weak, handler, ... arguments = std::move(arguments)]() mutable {
      if (const auto alive = weak.lock()) handler(std::move(arguments)...);
    });
  };
}

}  // namespace athanor::session
