#include "server/rpc/log_stream.h"

#include <grpcpp/alarm.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/status.h"

namespace athanor {
namespace {

using std::chrono::milliseconds;

// What comes within this time is sent together; also the most often that a busy study is looked at.
constexpr milliseconds kPause(200);
constexpr milliseconds kUntilWoken(3'600'000);

// One chain of steps, never two at once: look at the trial (owner thread), read a piece (pool), write it, read the
// next; when there is none, pause, wait for more log or a change of the study, and look again. Growth, changes,
// cancellation and shutdown only take a note and cut the waiting short.
class LogStream final : public grpc::ServerWriteReactor<v1::TrialLogChunk>,
                        public EndableStream,
                        public std::enable_shared_from_this<LogStream> {
 public:
  LogStream(ServiceContext& context, OpenStreams& logs, const v1::ReadTrialLogRequest& request)
      : context_(context), logs_(logs), request_(request) {}

  void Start() {
    self_ = shared_from_this();
    registered_ = logs_.Add(this);
    if (!registered_) return End(absl::ResourceExhaustedError("too many logs are being read; retry with back-off"));
    if (request_.tail_lines() < 0 || request_.token() < 0) {
      return End(absl::InvalidArgumentError("tail_lines and token: want 0 or more"));
    }
    Look();
  }

  // The first reason stands.
  void Stop(absl::Status status) override {
    const MutexLock lock(mutex_);
    if (!stop_.has_value()) stop_ = std::move(status);
    if (alarm_ != nullptr) alarm_->Cancel();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the reader is gone"));
    ReadNext();
  }

  void OnCancel() override { Stop(absl::CancelledError("the reader is gone")); }

  void OnDone() override {
    if (registered_) logs_.Remove(this);
    if (follow_.has_value()) context_.logs.Unfollow(key_, *follow_);
    if (watch_.has_value()) {
      // If the queue refuses, the watcher stays behind and finds nobody.
      (void)context_.owner.Post([self = shared_from_this()](Transaction&) -> Owner::Reply {
        self->context_.coordinator.watchers().Remove(self->key_.study, *self->watch_);
        return nullptr;
      });
    }
    self_.reset();
  }

 private:
  enum class Phase { kBusy, kPausing, kWaiting };
  enum class News { kLog, kStudy };

  void Look() {
    const absl::Status posted =
        context_.owner.Post([self = shared_from_this()](Transaction&) -> Owner::Reply { return self->LookOnOwner(); });
    if (!posted.ok()) End(posted);
  }

  Owner::Reply LookOnOwner() {
    const auto fail = [self = shared_from_this()](absl::Status status) -> Owner::Reply {
      return [self, status = std::move(status)](const absl::Status&) { self->End(status); };
    };
    if (context_.stopping.load()) return fail(absl::UnavailableError("the coordinator is shutting down"));
    // By id after the first time: a new study of the same name is another one.
    auto& state = context_.coordinator.state();
    const auto found = reader_.has_value() ? state.FindStudy(key_.study) : state.FindStudy(request_.study());
    if (!found.ok()) return fail(found.status());
    const LiveStudy& study = **found;
    if (const absl::Status known = State::CheckTrial(study, request_.number()); !known.ok()) return fail(known);
    ended_ = IsFinished(study.trial(request_.number()).state);
    const bool first = !reader_.has_value();
    if (first) Open(study);
    return [self = shared_from_this(), first](const absl::Status& commit) {
      if (!commit.ok()) return self->End(commit);
      self->OnPool([self, first] {
        absl::Status skipped;
        if (first && self->request_.tail_lines() > 0) skipped = self->reader_->SkipToTail(self->request_.tail_lines());
        skipped.ok() ? self->WriteNext() : self->End(skipped);
      });
    };
  }

  void Open(const LiveStudy& study) {
    key_ = {study.id(), request_.number()};
    const std::optional<Token> only = request_.token() == 0 ? std::nullopt : std::optional<Token>(request_.token());
    reader_.emplace(context_.logs, key_, only);
    if (!request_.follow()) return;
    const auto note = [weak = weak_from_this()](News news) {
      if (const auto self = weak.lock()) self->Note(news);
    };
    watch_ = context_.coordinator.watchers().Add(key_.study, [note] { note(News::kStudy); });
    follow_ = context_.logs.Follow(key_, [note] { note(News::kLog); });
  }

  void OnPool(std::function<void()> step) {
    const absl::Status posted = context_.transfers.Post(std::move(step));
    if (!posted.ok()) End(posted);
  }

  void ReadNext() {
    OnPool([self = shared_from_this()] { self->WriteNext(); });
  }

  void WriteNext() {
    absl::StatusOr<LogPiece> piece = reader_->Next();
    if (!piece.ok()) return End(piece.status());
    if (piece->token == 0) {
      if (!request_.follow() || ended_) return End(absl::OkStatus());
      return Wait(Phase::kPausing, kPause);
    }
    chunk_.set_token(piece->token);
    chunk_.set_dropped_bytes(piece->dropped_bytes);
    chunk_.set_data(std::move(piece->data));
    StartWrite(&chunk_);
  }

  void Note(News news) {
    const MutexLock lock(mutex_);
    (news == News::kLog ? grew_ : changed_) = true;
    if (phase_ == Phase::kWaiting && alarm_ != nullptr) alarm_->Cancel();
  }

  // Goes on in Woken after `duration`, or sooner: at a stop, and in kWaiting at news.
  void Wait(Phase phase, milliseconds duration) {
    const MutexLock lock(mutex_);
    phase_ = phase;
    // gRPC runs the callback on a thread of its own, never within Set or Cancel. An alarm may not be set anew from its
    // own callback, hence a fresh one.
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(std::chrono::system_clock::now() + duration, [this](bool) { Woken(); });
    if (stop_.has_value() || (phase == Phase::kWaiting && (grew_ || changed_))) alarm_->Cancel();
  }

  void Woken() {
    bool grew = false, changed = false;
    std::optional<absl::Status> stop;
    {
      const MutexLock lock(mutex_);
      stop = stop_;
      if (!stop.has_value() && phase_ == Phase::kWaiting) {
        grew = std::exchange(grew_, false);
        changed = std::exchange(changed_, false);
      }
      phase_ = Phase::kBusy;
    }
    if (stop.has_value()) return End(*stop);
    if (changed) return Look();
    if (grew) return ReadNext();
    Wait(Phase::kWaiting, kUntilWoken);
  }

  void End(const absl::Status& status) { Finish(ToGrpc(status)); }

  ServiceContext& context_;
  OpenStreams& logs_;
  const v1::ReadTrialLogRequest request_;
  bool registered_ = false;
  std::shared_ptr<LogStream> self_;

  // Used by the chain alone.
  LogKey key_;
  std::optional<LogReader> reader_;
  std::optional<Watchers::WatchId> watch_;
  std::optional<LogFiles::FollowId> follow_;
  v1::TrialLogChunk chunk_;
  bool ended_ = false;  // what is there now is all

  Mutex mutex_;
  Phase phase_ ATHANOR_GUARDED_BY(mutex_) = Phase::kBusy;
  bool grew_ ATHANOR_GUARDED_BY(mutex_) = false;
  bool changed_ ATHANOR_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> stop_ ATHANOR_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> alarm_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerWriteReactor<v1::TrialLogChunk>* StartLogStream(ServiceContext& context, OpenStreams& logs,
                                                            const v1::ReadTrialLogRequest& request) {
  auto stream = std::make_shared<LogStream>(context, logs, request);
  stream->Start();
  return stream.get();
}

}  // namespace athanor
