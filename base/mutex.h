// std::mutex with clang's thread-safety annotations: `clang++ -Wthread-safety` then proves that a member is only
// touched under its lock. GCC ignores them. The packaged absl::Mutex is invisible to ThreadSanitizer; this one is not.
//
//   class Counter {
//    public:
//     void Add() {
//       const MutexLock lock(mutex_);
//       ++count_;
//     }
//
//    private:
//     Mutex mutex_;
//     int64_t count_ ATHANOR_GUARDED_BY(mutex_) = 0;
//   };
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define ATHANOR_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ATHANOR_THREAD_ANNOTATION(x)
#endif

// Of the classes below.
#define ATHANOR_CAPABILITY(x) ATHANOR_THREAD_ANNOTATION(capability(x))
#define ATHANOR_SCOPED_CAPABILITY ATHANOR_THREAD_ANNOTATION(scoped_lockable)
#define ATHANOR_ACQUIRE(...) ATHANOR_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define ATHANOR_RELEASE(...) ATHANOR_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
// A member that is read and written only while `x` is held.
#define ATHANOR_GUARDED_BY(x) ATHANOR_THREAD_ANNOTATION(guarded_by(x))
// A function that is called while the mutexes are held, and leaves them so.
#define ATHANOR_REQUIRES(...) ATHANOR_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))

namespace athanor {

// Not recursive: to lock it twice on one thread is undefined. Locked through MutexLock; the functions are named as the
// standard library wants them, for ConditionVariable.
class ATHANOR_CAPABILITY("mutex") Mutex {
 public:
  void lock() ATHANOR_ACQUIRE() { mutex_.lock(); }
  void unlock() ATHANOR_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds the mutex as long as it lives. Blocks until the mutex is free.
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
  // Blocks until `predicate()` is true, which is only evaluated under `mutex`; releases the mutex while it waits and
  // holds it again when it returns.
  template <typename Predicate>
  void Wait(Mutex& mutex, Predicate predicate) ATHANOR_REQUIRES(mutex) {
    condition_.wait(mutex, predicate);
  }
  // Wake one waiter, or all, to evaluate their predicates. With or without the mutex held; do not block.
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace athanor
