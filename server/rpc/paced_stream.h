// What server streams have in common that follow a study at their reader's pace: they are bounded in number, keep
// themselves alive until gRPC is done with them, rest between two writes, and end at once when they are told to.
//
// A stream is one chain of steps, never two at once: it does something (on the owner thread, on a pool), writes, waits,
// and goes on in Woken. News, cancellation and shutdown come from any thread; they only take a note and cut a wait
// short, so nothing but the chain touches what the stream knows.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/status.h"

namespace athanor {

// Derived has, as the steps of the chain,
//   void Woken(Wait wait, bool news): goes on after a wait; `news`: NoteNews was called since the last time.
//   void Unfollow(): drops what would call NoteNews. Last of all, on a thread of gRPC.
// It is created with std::make_shared and lives until gRPC is done with the call.
template <typename Derived, typename Message>
class PacedStream : public grpc::ServerWriteReactor<Message>,
                    public EndableStream,
                    public std::enable_shared_from_this<Derived> {
 public:
  // `streams` outlives it.
  explicit PacedStream(OpenStreams& streams) : streams_(streams) {}

  // The first reason stands. During a step the stream ends with its next wait. Any thread.
  void Stop(absl::Status status) final {
    const MutexLock lock(mutex_);
    if (!stop_.has_value()) stop_ = std::move(status);
    if (alarm_ != nullptr) alarm_->Cancel();
  }

  void OnCancel() final { Stop(absl::CancelledError("the reader is gone")); }

  void OnDone() final {
    if (registered_) streams_.Remove(this);
    derived().Unfollow();
    self_.reset();
  }

 protected:
  enum class Wait { kPause, kUntilNews };
  static constexpr std::chrono::milliseconds kLongestWait{3'600'000};

  // First of all: whether the chain may start. RESOURCE_EXHAUSTED ends the stream when too many are open.
  bool Open() {
    self_ = this->shared_from_this();
    registered_ = streams_.Add(this);
    if (!registered_) End(absl::ResourceExhaustedError("too many streams of this kind are open; retry with back-off"));
    return registered_;
  }

  // Any thread.
  void NoteNews() {
    const MutexLock lock(mutex_);
    news_ = true;
    if (waiting_ == Wait::kUntilNews && alarm_ != nullptr) alarm_->Cancel();
  }

  // Goes on in Woken after `duration`, or sooner: ends at a stop, and in kUntilNews at news, also at what came before.
  void StartWait(Wait wait, std::chrono::milliseconds duration) {
    const MutexLock lock(mutex_);
    waiting_ = wait;
    // gRPC runs the callback on a thread of its own, never within Set or Cancel. An alarm may not be set anew from its
    // own callback, hence a fresh one.
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(std::chrono::system_clock::now() + duration, [this, wait](bool) { GoOn(wait); });
    if (stop_.has_value() || (wait == Wait::kUntilNews && news_)) alarm_->Cancel();
  }

  // The last step of the chain.
  void End(const absl::Status& status) { this->Finish(ToGrpc(status)); }

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }

  void GoOn(Wait wait) {
    bool news = false;
    std::optional<absl::Status> stop;
    {
      const MutexLock lock(mutex_);
      waiting_.reset();
      stop = stop_;
      news = std::exchange(news_, false);
    }
    stop.has_value() ? End(*stop) : derived().Woken(wait, news);
  }

  OpenStreams& streams_;
  bool registered_ = false;
  std::shared_ptr<Derived> self_;

  Mutex mutex_;
  std::optional<Wait> waiting_ ATHANOR_GUARDED_BY(mutex_);
  bool news_ ATHANOR_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> stop_ ATHANOR_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> alarm_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor
