// std::mutex with clang's thread-safety annotations. The packaged absl::Mutex is invisible to ThreadSanitizer; this one
// is not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define ATHANOR_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ATHANOR_THREAD_ANNOTATION(x)
#endif

#define ATHANOR_CAPABILITY(x) ATHANOR_THREAD_ANNOTATION(capability(x))
#define ATHANOR_SCOPED_CAPABILITY ATHANOR_THREAD_ANNOTATION(scoped_lockable)
#define ATHANOR_GUARDED_BY(x) ATHANOR_THREAD_ANNOTATION(guarded_by(x))
#define ATHANOR_REQUIRES(...) ATHANOR_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ATHANOR_EXCLUDES(...) ATHANOR_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ATHANOR_ACQUIRE(...) ATHANOR_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define ATHANOR_RELEASE(...) ATHANOR_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

namespace athanor {

class ATHANOR_CAPABILITY("mutex") Mutex {
 public:
  void lock() ATHANOR_ACQUIRE() { mutex_.lock(); }
  void unlock() ATHANOR_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ATHANOR_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ATHANOR_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() ATHANOR_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a predicate only, so that a spurious wake-up cannot be forgotten.
class ConditionVariable {
 public:
  template <typename Predicate>
  void Wait(Mutex& mutex, Predicate predicate) ATHANOR_REQUIRES(mutex) {
    condition_.wait(mutex, predicate);
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace athanor
