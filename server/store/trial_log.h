// The log of one trial on disk: what the programs of its attempts printed, or of a long log the newest part.
//
// Layout: STEM.log holds the newest records, STEM.old those before them. When STEM.log would outgrow half the limit it
// takes the place of STEM.old, so that between half the limit and all of it is kept. A record, little-endian:
//   0  u32  0x31474c41, "ALG1"
//   4  u32  size of the data
//   8  i64  token of the attempt
//  16  i64  offset: bytes that the attempt's program printed before the data, those that never came included
//  24       the data; may be empty, then the record says only that so much was printed
// Records stand in the order in which they came. Attempts may take turns, since the end of one may come after the
// beginning of the next; those of one attempt never overlap, and their offsets grow. A record that does not begin where
// the one before it of the same token ended follows a gap.
//
// Durability: none is promised, nothing is synced. What a crash cut off in mid-record is dropped when the log is next
// used.
//
// Threads: thread-safe; every call blocks on the disk, and on the calls before it.
//
// Errors: RESOURCE_EXHAUSTED: disk full. UNAVAILABLE: any other I/O error, naming the path. After an error of Append
// the log is what it was before.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/core/ids.h"

namespace athanor {

// Where a reader stands. A fresh one stands before the oldest record there is; one with the token and the end of the
// last piece of another reader goes on behind that, in the order of the log.
struct LogCursor {
  std::optional<Token> only;      // passes over the records of other attempts
  Token token = 0;                // of the last piece
  std::map<Token, int64_t> ends;  // of the last piece of each attempt

  // The rest belongs to TrialLog.
  uint64_t generation = 0;  // of the file that it stands in; 0 = fresh
  int64_t position = 0;     // in that file
  int64_t left = 0;         // data of the record at hand that is still to come
};

// Bytes of one attempt without a gap in them.
struct LogPiece {
  Token token = 0;            // 0: there is nothing more now
  int64_t dropped_bytes = 0;  // printed before `data` and not kept
  std::string data;           // may be empty behind a gap
  int64_t end = 0;            // offset behind `data`
};

class TrialLog {
 public:
  // Files STEM.log and STEM.old in a directory that exists. `limit_bytes`, at least kSmallestLimit, bounds both
  // together. `bytes`: what they hold already, so that this need not look. `instance`: larger than that of an earlier
  // TrialLog of the same files, so that its cursors are known. Does no I/O.
  TrialLog(std::string stem, int64_t limit_bytes, int64_t bytes = 0, uint64_t instance = 1)
      : stem_(std::move(stem)), limit_bytes_(limit_bytes), bytes_(bytes), generation_(instance << kGenerationBits) {}

  static constexpr int64_t kSmallestLimit = 1024;
  static constexpr char kNewest[] = ".log";
  static constexpr char kOlder[] = ".old";

  // Appends what the attempt `token` printed from `offset` (>= 0) on, whichever attempts have printed since; bytes
  // before its next offset are skipped. Returns the attempt's next offset, which is 0 again once nothing is kept of it.
  // NOT_FOUND after Delete. `total`: the bytes of many logs, to which what this one grows by is added.
  absl::StatusOr<int64_t> Append(Token token, int64_t offset, std::string_view data, std::atomic<int64_t>& total);
  // The next bytes behind the cursor, at most `max_bytes` (>= 1). No byte of an attempt is read twice through one
  // cursor. One whose file is gone meanwhile, or that is of an earlier instance, goes on with the oldest record there
  // is that it has not passed, and the piece says what was dropped. So does one behind another reader's last piece if
  // that is gone, since all that is kept came after it. What the other reader had of other attempts and is gone counts
  // as dropped. If a crash of the machine took the piece from the end of the log, what came before it is read again.
  absl::StatusOr<LogPiece> Read(LogCursor& cursor, size_t max_bytes);
  // Removes the files, for good, and takes their bytes off `total`.
  void Delete(std::atomic<int64_t>& total);

  // Of both files. Does not block.
  int64_t bytes() const { return bytes_.load(); }

 private:
  struct Record {
    Token token = 0;
    int64_t offset = 0;
    int64_t size = 0;

    int64_t end() const { return offset + size; }
  };
  // The last record of an attempt of which any is kept.
  struct LastRecord {
    int64_t end = 0;
    uint64_t generation = 0;  // of the file that it is in
  };
  static constexpr int64_t kHeaderBytes = 24;
  static constexpr int kGenerationBits = 24;  // an instance is used up after so many files, of half a limit each

  std::string Path(const char* suffix) const { return stem_ + suffix; }
  std::string PathOf(uint64_t generation) const ATHANOR_REQUIRES(mutex_) {
    return Path(generation == generation_ ? kNewest : kOlder);
  }
  int64_t SizeOf(uint64_t generation) const ATHANOR_REQUIRES(mutex_) {
    return generation == generation_ ? newest_bytes_ : older_bytes_;
  }
  absl::StatusOr<int64_t> AppendRecords(Token token, int64_t offset, std::string_view data) ATHANOR_REQUIRES(mutex_);
  absl::Status Load() ATHANOR_REQUIRES(mutex_);
  absl::StatusOr<int64_t> Scan(uint64_t generation) ATHANOR_REQUIRES(mutex_);
  absl::Status Write(const Record& record, std::string_view data) ATHANOR_REQUIRES(mutex_);
  absl::Status Rotate() ATHANOR_REQUIRES(mutex_);
  // A fresh cursor at the record with the end of its last piece or, if there is none, before the oldest record.
  absl::StatusOr<LogCursor> Placed(LogCursor cursor) const ATHANOR_REQUIRES(mutex_);
  absl::Status ReadOn(int descriptor, int64_t size, LogCursor& cursor, size_t max_bytes, LogPiece& piece)
      ATHANOR_REQUIRES(mutex_);
  // Nothing if there is no whole record at `position` of a file of `size` bytes.
  static std::optional<Record> ReadHeader(int descriptor, int64_t position, int64_t size);

  const std::string stem_;
  const int64_t limit_bytes_;
  std::atomic<int64_t> bytes_;
  Mutex mutex_;
  bool loaded_ ATHANOR_GUARDED_BY(mutex_) = false;
  bool deleted_ ATHANOR_GUARDED_BY(mutex_) = false;
  uint64_t generation_ ATHANOR_GUARDED_BY(mutex_);  // of STEM.log; STEM.old has the one before
  int64_t newest_bytes_ ATHANOR_GUARDED_BY(mutex_) = 0;
  int64_t older_bytes_ ATHANOR_GUARDED_BY(mutex_) = 0;
  std::map<Token, LastRecord> last_ ATHANOR_GUARDED_BY(mutex_);  // what the files tell, no more
};

}  // namespace athanor
