// Trial logs on their way to the disk of the coordinator and back, without their carrier. None blocks: steps run on the
// pools and answer from there or from the owner thread.
#pragma once

#include <cstdint>
#include <memory>

#include "athanor/v1/worker_service.pb.h"
#include "server/rpc/service_context.h"

namespace athanor {

// From now on logs and artifacts of trials that end may go first, and those of deleted studies go. Once, before the
// owner runs.
void FollowEndedRows(ServiceContext& context);

class LogCalls {
 public:
  static constexpr size_t kMaxDataBytes = 256 << 10;

  explicit LogCalls(ServiceContext& context) : context_(context) {}

  // Under any token that is an attempt of the trial, live or ended: an attempt's last words may come when the trial
  // runs again already. FAILED_PRECONDITION if it never was one, or its study is gone; INVALID_ARGUMENT for more than
  // kMaxDataBytes or a negative offset; RESOURCE_EXHAUSTED if the disk is full or too much waits for it.
  void Append(const v1::AppendLogRequest& request, Done<v1::AppendLogResponse> done);

 private:
  ServiceContext& context_;
};

// Reads one trial's log piece by piece, one call at a time, on the pool of transfers. Keeps no file open.
class LogReader {
 public:
  static constexpr size_t kPieceBytes = 64 << 10;

  // Reads on behind `start`, which was made afresh.
  LogReader(LogFiles& files, const LogKey& key, const LogCursor& start) : files_(files), key_(key), cursor_(start) {}

  // Passes over all but the last `lines` of what is there now; a last line without an end counts. Blocks; first, once.
  absl::Status SkipToTail(int64_t lines);
  // The next piece; token 0 if there is none now. Blocks.
  absl::StatusOr<LogPiece> Next();

 private:
  // True if `piece`, the next one, ends a line because it is another attempt's.
  bool CutsLine(const LogPiece& piece);

  LogFiles& files_;
  const LogKey key_;
  LogCursor cursor_;
  Token token_ = 0;       // of the last piece
  bool in_line_ = false;  // it ended in the middle of a line
  int64_t lines_to_skip_ = 0;
};

}  // namespace athanor
