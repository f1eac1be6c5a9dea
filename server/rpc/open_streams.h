// The open streams of one kind, so that a shutdown can end them and their number is bounded.
#pragma once

#include <cstddef>
#include <set>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace athanor {

class EndableStream {
 public:
  // Ends the stream soon, with `status` unless it has ended otherwise. Any thread; does not block.
  virtual void Stop(absl::Status status) = 0;

 protected:
  ~EndableStream() = default;
};

// Thread-safe.
class OpenStreams {
 public:
  static constexpr size_t kMaxStreams = 1024;

  // False when there are too many.
  bool Add(EndableStream* stream) {
    const MutexLock lock(mutex_);
    return streams_.size() < kMaxStreams && streams_.insert(stream).second;
  }
  void Remove(EndableStream* stream) {
    const MutexLock lock(mutex_);
    streams_.erase(stream);
  }
  // Ends every stream with UNAVAILABLE.
  void CloseAll() {
    const MutexLock lock(mutex_);
    for (EndableStream* stream : streams_) {
      stream->Stop(absl::UnavailableError("the coordinator is shutting down"));
    }
  }

 private:
  Mutex mutex_;
  std::set<EndableStream*> streams_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor
