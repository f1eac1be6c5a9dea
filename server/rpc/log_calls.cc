#include "server/rpc/log_calls.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/rpc/attempt_check.h"
#include "server/rpc/convert_worker.h"

namespace athanor {
namespace {

using Request = std::shared_ptr<const v1::AppendLogRequest>;

absl::Status Check(const v1::AppendLogRequest& request) {
  if (request.data().size() > LogCalls::kMaxDataBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: has ", request.data().size(), " bytes; want at most ", LogCalls::kMaxDataBytes));
  }
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
  if (request.offset() < 0 || request.offset() > kMost) {
    return absl::InvalidArgumentError(absl::StrCat("offset: ", request.offset(), "; want 0 to ", kMost));
  }
  return absl::OkStatus();
}

void Write(ServiceContext& context, const Request& request, TrialStanding standing,
           const Done<v1::AppendLogResponse>& done) {
  const absl::Status posted = context.transfers.Post([&context, request, standing, done] {
    const LeaseRef lease = FromProto(request->lease());
    const absl::StatusOr<int64_t> next =
        context.logs.Append({lease.study, lease.trial}, lease.token, request->offset(), request->data(), standing);
    // The study was deleted while this was under way: its leases are dead.
    if (absl::IsNotFound(next.status())) return done(absl::FailedPreconditionError(next.status().message()));
    if (!next.ok()) return done(next.status());
    v1::AppendLogResponse response;
    response.set_next_offset(*next);
    done(std::move(response));
  });
  if (!posted.ok()) done(posted);
}

}  // namespace

void FollowEndedRows(ServiceContext& context) {
  context.coordinator.SetEndListener([&context](const EndedRows& rows) {
    for (const auto& [study, trial] : rows.trials) {
      context.logs.SetEnded({study, trial});
      context.artifacts.SetEnded({study, trial});
    }
    for (const StudyId study : rows.deleted_studies) {
      // If the pool refuses, they stay until the next start.
      (void)context.transfers.Post([&context, study] {
        context.logs.DeleteStudy(study);
        context.artifacts.DeleteStudy(study);
      });
    }
  });
}

void LogCalls::Append(const v1::AppendLogRequest& original, Done<v1::AppendLogResponse> done) {
  if (const absl::Status usable = Check(original); !usable.ok()) return done(usable);
  const auto request = std::make_shared<const v1::AppendLogRequest>(original);
  FindAttempt(context_, FromProto(request->lease()), [this, request, done](const auto& attempt) {
    attempt.ok() ? Write(context_, request, attempt->trial, done) : done(attempt.status());
  });
}

// A line also ends where another attempt begins.
bool LogReader::CutsLine(const LogPiece& piece) {
  const bool cuts = in_line_ && piece.token != token_;
  token_ = piece.token;
  if (cuts || !piece.data.empty()) in_line_ = !piece.data.empty() && piece.data.back() != '\n';
  return cuts;
}

absl::Status LogReader::SkipToTail(int64_t lines) {
  const LogCursor start = cursor_;
  int64_t there = 0;
  while (true) {
    ATHANOR_ASSIGN_OR_RETURN(const LogPiece piece, files_.Read(key_, cursor_, kPieceBytes));
    if (piece.token == 0) break;
    there += (CutsLine(piece) ? 1 : 0) + std::ranges::count(piece.data, '\n');
  }
  lines_to_skip_ = there + (in_line_ ? 1 : 0) - lines;
  cursor_ = start;
  token_ = 0;
  in_line_ = false;
  return absl::OkStatus();
}

absl::StatusOr<LogPiece> LogReader::Next() {
  while (true) {
    ATHANOR_ASSIGN_OR_RETURN(LogPiece piece, files_.Read(key_, cursor_, kPieceBytes));
    if (piece.token == 0 || lines_to_skip_ <= 0) return piece;
    if (CutsLine(piece) && --lines_to_skip_ == 0) return piece;
    size_t begin = 0;
    while (lines_to_skip_ > 0) {
      const size_t end = piece.data.find('\n', begin);
      begin = end == std::string::npos ? piece.data.size() : end + 1;
      if (end == std::string::npos) break;
      --lines_to_skip_;
    }
    if (begin == piece.data.size()) continue;
    piece.data.erase(0, begin);
    piece.dropped_bytes = 0;
    return piece;
  }
}

}  // namespace athanor
