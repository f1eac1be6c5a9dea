// The check of the whole file while its coordinator serves.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace athanor {

// Wanted after a process that served the file ended without closing it (WasLeftOpen): a power cut under it may have
// left pages on the disk that never should have been together. Header and schema were checked before.
//
// Threads: Run on a thread of its own, which it gives the lowest priority for CPU and disk; Integrity from any.
class BackgroundCheck {
 public:
  enum class Need { kNone, kWholeFile };

  // `refuse_writes` is called once, on the thread of Run, if the file is corrupt; with a DATA_LOSS that names it. A
  // history that contradicts itself is told, and written on: its facts may be wrong, its file is not.
  BackgroundCheck(std::string database, Need need, std::function<void(const absl::Status&)> refuse_writes);

  // Checks, logs what it finds, and returns. Returns soon after `stop` is requested. A no-op if there is no need.
  void Run(const std::stop_token& stop);

  // "checking", then "ok", the first finding and how many there are, or why there could be no check. "ok" from the
  // beginning if there is no need.
  std::string Integrity() const;

 private:
  void SetIntegrity(std::string integrity);

  const std::string database_;
  const Need need_;
  const std::function<void(const absl::Status&)> refuse_writes_;
  mutable Mutex mutex_;
  std::string integrity_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor
