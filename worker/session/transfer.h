// What to make of a checkpoint transfer that ended: one rule for uploads and downloads.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"

namespace athanor::session {

enum class TransferFate { kDone, kRetry, kGiveUp, kLeaseLost };

// `failures`: of this file so far, this one included. The coordinator being away is waited out for as long as the lease
// lives; what may pass is tried three times; a file that is gone, wrong, refused or has no room is given up at once,
// because a trial must not fail on account of a checkpoint.
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

// A callback for foreign threads: runs `handler(arguments...)` on the io_context's thread, unless `owner` has died by
// then. The io_context must outlive every use of it.
template <typename Owner, typename Handler>
auto PostTo(boost::asio::io_context& io, const std::shared_ptr<Owner>& owner, Handler handler) {
  return [&io, weak = std::weak_ptr<Owner>(owner), handler = std::move(handler)](auto... arguments) {
    boost::asio::post(io, [weak, handler, ... arguments = std::move(arguments)]() mutable {
      if (const auto alive = weak.lock()) handler(std::move(arguments)...);
    });
  };
}

}  // namespace athanor::session
