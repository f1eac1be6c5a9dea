#include "server/store/trial_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/status.h"
#include "server/store/files.h"

namespace athanor {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they lie in memory");

constexpr uint32_t kMagic = 0x31474c41;

// What a write or a crash left behind the last whole record would be read as records once something is written over its
// beginning. Should this fail, the next write fails as well, in all likelihood.
void CutBehind(const std::string& path, int64_t size) {
  std::error_code ignored;
  std::filesystem::resize_file(path, static_cast<uintmax_t>(size), ignored);
}

struct Header {
  uint32_t magic = kMagic;
  uint32_t size = 0;
  int64_t token = 0;
  int64_t offset = 0;
};
static_assert(sizeof(Header) == 24);

}  // namespace

std::optional<TrialLog::Record> TrialLog::ReadHeader(int descriptor, int64_t position, int64_t size) {
  Header header;
  if (position + kHeaderBytes > size) return std::nullopt;
  if (pread(descriptor, &header, sizeof header, position) != kHeaderBytes) return std::nullopt;
  const bool whole = position + kHeaderBytes + header.size <= size;
  if (header.magic != kMagic || !whole || header.token < 1 || header.offset < 0) return std::nullopt;
  return Record{.token = header.token, .offset = header.offset, .size = header.size};
}

// Size of the whole records at the beginning of the file; 0 if there is no file.
absl::StatusOr<int64_t> TrialLog::Scan(uint64_t generation) {
  const std::string path = PathOf(generation);
  const OpenFile file(path, O_RDONLY);
  if (file.get() < 0) return errno == ENOENT ? absl::StatusOr<int64_t>(0) : IoError(path, "open", errno);
  struct stat found {};
  if (fstat(file.get(), &found) != 0) return IoError(path, "read", errno);
  int64_t position = 0;
  while (const std::optional<Record> record = ReadHeader(file.get(), position, found.st_size)) {
    last_[record->token] = {.end = record->end(), .generation = generation};
    position += kHeaderBytes + record->size;
  }
  return position;
}

absl::Status TrialLog::Load() {
  if (loaded_) return absl::OkStatus();
  last_.clear();
  ATHANOR_ASSIGN_OR_RETURN(older_bytes_, Scan(generation_ - 1));
  ATHANOR_ASSIGN_OR_RETURN(newest_bytes_, Scan(generation_));
  CutBehind(Path(kNewest), newest_bytes_);
  loaded_ = true;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> TrialLog::Append(Token token, int64_t offset, std::string_view data,
                                         std::atomic<int64_t>& total) {
  const MutexLock lock(mutex_);
  if (deleted_) return absl::NotFoundError("the log was deleted");
  ATHANOR_RETURN_IF_ERROR(Load());
  const absl::StatusOr<int64_t> next = AppendRecords(token, offset, data);
  const int64_t bytes = newest_bytes_ + older_bytes_;
  total += bytes - bytes_.exchange(bytes);
  return next;
}

absl::StatusOr<int64_t> TrialLog::AppendRecords(Token token, int64_t offset, std::string_view data) {
  const auto last = last_.find(token);
  const int64_t next = last == last_.end() ? 0 : last->second.end;
  if (offset + static_cast<int64_t>(data.size()) <= next) return next;
  if (offset < next) {
    data.remove_prefix(static_cast<size_t>(next - offset));
    offset = next;
  }
  const auto largest = static_cast<size_t>(limit_bytes_ / 2 - kHeaderBytes);
  do {
    const std::string_view part = data.substr(0, largest);
    ATHANOR_RETURN_IF_ERROR(Write({.token = token, .offset = offset, .size = static_cast<int64_t>(part.size())}, part));
    data.remove_prefix(part.size());
    offset += static_cast<int64_t>(part.size());
  } while (!data.empty());
  return offset;
}

absl::Status TrialLog::Write(const Record& record, std::string_view data) {
  const int64_t bytes = kHeaderBytes + record.size;
  if (newest_bytes_ > 0 && newest_bytes_ + bytes > limit_bytes_ / 2) ATHANOR_RETURN_IF_ERROR(Rotate());
  const std::string path = Path(kNewest);
  const OpenFile file(path, O_WRONLY | O_CREAT);
  if (file.get() < 0) return IoError(path, "open", errno);
  Header header{.size = static_cast<uint32_t>(record.size), .token = record.token, .offset = record.offset};
  const std::array<iovec, 2> parts = {iovec{&header, sizeof header},
                                      iovec{const_cast<char*>(data.data()), data.size()}};
  errno = ENOSPC;  // what a short write means
  if (pwritev(file.get(), parts.data(), parts.size(), newest_bytes_) != bytes) {
    const absl::Status status = IoError(path, "write", errno);
    CutBehind(path, newest_bytes_);
    return status;
  }
  newest_bytes_ += bytes;
  last_[record.token] = {.end = record.end(), .generation = generation_};
  return absl::OkStatus();
}

absl::Status TrialLog::Rotate() {
  if (std::rename(Path(kNewest).c_str(), Path(kOlder).c_str()) != 0) return IoError(Path(kNewest), "rename", errno);
  older_bytes_ = std::exchange(newest_bytes_, 0);
  ++generation_;
  std::erase_if(last_, [this](const auto& entry) { return entry.second.generation + 1 < generation_; });
  return absl::OkStatus();
}

absl::StatusOr<LogPiece> TrialLog::Read(LogCursor& cursor, size_t max_bytes) {
  const MutexLock lock(mutex_);
  LogPiece piece;
  if (deleted_) return piece;
  ATHANOR_RETURN_IF_ERROR(Load());
  if (cursor.generation == 0) {
    ATHANOR_ASSIGN_OR_RETURN(cursor, Placed(cursor));
  }
  while (true) {
    if (cursor.generation + 1 < generation_) {
      cursor.generation = generation_ - 1;
      cursor.position = 0;
      cursor.left = 0;
    }
    const bool newest = cursor.generation == generation_;
    const int64_t size = SizeOf(cursor.generation);
    if (cursor.position < size) {
      const std::string path = PathOf(cursor.generation);
      const OpenFile file(path, O_RDONLY);
      if (file.get() < 0) return IoError(path, "open", errno);
      ATHANOR_RETURN_IF_ERROR(ReadOn(file.get(), size, cursor, max_bytes, piece));
    }
    if (newest || piece.token != 0) return piece;
    ++cursor.generation;
    cursor.position = 0;
  }
}

// Of one attempt, the end of a piece lies in one record alone, and what stands before that record was read before it.
absl::StatusOr<LogCursor> TrialLog::Placed(LogCursor cursor) const {
  cursor.generation = generation_ - 1;
  cursor.position = 0;
  if (cursor.token == 0) return cursor;
  const int64_t end = cursor.ends[cursor.token];
  std::map<Token, int64_t> passed = {{cursor.token, end}};
  for (const uint64_t generation : {generation_ - 1, generation_}) {
    const int64_t size = SizeOf(generation);
    if (size == 0) continue;
    const std::string path = PathOf(generation);
    const OpenFile file(path, O_RDONLY);
    if (file.get() < 0) return IoError(path, "open", errno);
    int64_t position = 0;
    while (const std::optional<Record> record = ReadHeader(file.get(), position, size)) {
      if (record->token != cursor.token) {
        passed[record->token] = record->end();
      } else if (record->end() >= end) {
        const bool gone = record->offset >= end && record->end() > end;
        if (gone) return cursor;
        cursor.generation = generation;
        cursor.position = position;
        cursor.ends = std::move(passed);
        return cursor;
      }
      position += kHeaderBytes + record->size;
    }
  }
  return cursor;
}

// Fills the piece from one file. Stops before a record that does not continue it.
absl::Status TrialLog::ReadOn(int descriptor, int64_t size, LogCursor& cursor, size_t max_bytes, LogPiece& piece) {
  while (piece.data.size() < max_bytes) {
    if (cursor.left == 0) {
      const std::optional<Record> record = ReadHeader(descriptor, cursor.position, size);
      if (!record.has_value()) {
        cursor.position = size;  // the end, or damage: the rest of the file cannot be read
        return absl::OkStatus();
      }
      const bool other = cursor.only.has_value() && record->token != *cursor.only;
      const auto passed = cursor.ends.find(record->token);
      const int64_t expected = passed == cursor.ends.end() ? 0 : passed->second;
      if (other || record->end() <= expected) {
        cursor.position += kHeaderBytes + record->size;
        continue;
      }
      const int64_t begin = std::max(record->offset, expected);
      if (piece.token != 0 && (record->token != piece.token || begin != expected)) return absl::OkStatus();
      if (piece.token == 0) piece.dropped_bytes = begin - expected;
      piece.token = record->token;
      piece.end = begin;
      cursor.position += kHeaderBytes + begin - record->offset;
      cursor.token = record->token;
      cursor.ends[record->token] = begin;
      cursor.left = record->end() - begin;
      continue;
    }
    piece.token = cursor.token;
    const size_t wanted = std::min(static_cast<size_t>(cursor.left), max_bytes - piece.data.size());
    const size_t before = piece.data.size();
    piece.data.resize(before + wanted);
    const ssize_t got = pread(descriptor, piece.data.data() + before, wanted, cursor.position);
    piece.data.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) return IoError(stem_, "read", errno);
    cursor.position += got;
    cursor.left -= got;
    piece.end = cursor.ends[cursor.token] += got;
  }
  return absl::OkStatus();
}

void TrialLog::Delete(std::atomic<int64_t>& total) {
  const MutexLock lock(mutex_);
  deleted_ = true;
  unlink(Path(kNewest).c_str());
  unlink(Path(kOlder).c_str());
  total -= bytes_.exchange(0);
}

}  // namespace athanor
