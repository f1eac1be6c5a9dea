// Work that blocks on the disk, off the threads that must not wait: a fixed set of threads behind a bounded queue.
#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <utility>

#include "absl/status/status.h"

namespace athanor {

// Thread-safe.
class BoundedPool {
 public:
  // At most `limit` tasks wait or run at a time. `threads` must outlive this and be joined before anything that a task
  // uses goes away.
  BoundedPool(boost::asio::thread_pool& threads, int limit) : threads_(threads), limit_(limit) {}

  // RESOURCE_EXHAUSTED at the limit; `task` is dropped then. Tasks must not throw.
  absl::Status Post(std::function<void()> task) {
    if (pending_.fetch_add(1) >= limit_) {
      pending_.fetch_sub(1);
      return absl::ResourceExhaustedError("too many reads wait for the disk; retry with back-off");
    }
    boost::asio::post(threads_, [this, task = std::move(task)]() mutable {
      task();
      task = nullptr;  // what it holds goes before it counts as done
      pending_.fetch_sub(1);
    });
    return absl::OkStatus();
  }

 private:
  boost::asio::thread_pool& threads_;
  const int limit_;
  std::atomic<int> pending_ = 0;
};

}  // namespace athanor
