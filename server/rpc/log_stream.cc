#include "server/rpc/log_stream.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/paced_stream.h"

namespace athanor {
namespace {

using std::chrono::milliseconds;

// What comes within this time is sent together; also the most often that a busy study is looked at.
constexpr milliseconds kPause(200);

// The chain: look at the trial (owner thread), read a piece (pool), write it, read the next; when there is none, pause,
// wait for more log or a change of the study, and look again.
class LogStream final : public PacedStream<LogStream, v1::TrialLogChunk> {
 public:
  LogStream(ServiceContext& context, OpenStreams& logs, const v1::ReadTrialLogRequest& request)
      : PacedStream(logs), context_(context), request_(request) {}

  void Start() {
    if (!Open()) return;
    if (request_.tail_lines() < 0 || request_.token() < 0 || request_.after_token() < 0 ||
        request_.after_offset() < 0) {
      return End(absl::InvalidArgumentError("tail_lines, token, after_token and after_offset: want 0 or more"));
    }
    Look();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the reader is gone"));
    ReadNext();
  }

 private:
  friend PacedStream;

  // Without news after a pause there is nothing to read: what came before it was read.
  void Woken(Wait, bool news) {
    if (!news) return StartWait(Wait::kUntilNews, kLongestWait);
    if (study_changed_.exchange(false)) return Look();
    ReadNext();
  }

  void Unfollow() {
    if (follow_.has_value()) context_.logs.Unfollow(key_, *follow_);
    if (watch_.has_value()) {
      // If the queue refuses, the watcher stays behind and finds nobody.
      (void)context_.owner.Post([self = shared_from_this()](Transaction&) -> Owner::Reply {
        self->context_.coordinator.watchers().Remove(self->key_.study, *self->watch_);
        return nullptr;
      });
    }
  }

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
    if (first) Follow(study);
    return [self = shared_from_this(), first](const absl::Status& commit) {
      if (!commit.ok()) return self->End(commit);
      self->OnPool([self, first] {
        absl::Status skipped;
        const bool resumed = self->request_.after_token() > 0;
        if (first && !resumed && self->request_.tail_lines() > 0) {
          skipped = self->reader_->SkipToTail(self->request_.tail_lines());
        }
        skipped.ok() ? self->WriteNext() : self->End(skipped);
      });
    };
  }

  void Follow(const LiveStudy& study) {
    key_ = {study.id(), request_.number()};
    LogCursor start;
    if (request_.token() != 0) start.only = request_.token();
    start.token = request_.after_token();
    if (start.token != 0) start.ends[start.token] = request_.after_offset();
    reader_.emplace(context_.logs, key_, start);
    if (!request_.follow()) return;
    watch_ = context_.coordinator.watchers().Add(key_.study, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->study_changed_ = true;
      self->NoteNews();
    });
    follow_ = context_.logs.Follow(key_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->NoteNews();
    });
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
      return StartWait(Wait::kPause, kPause);
    }
    chunk_.set_token(piece->token);
    chunk_.set_dropped_bytes(piece->dropped_bytes);
    chunk_.set_data(std::move(piece->data));
    chunk_.set_end_offset(piece->end);
    StartWrite(&chunk_);
  }

  ServiceContext& context_;
  const v1::ReadTrialLogRequest request_;

  // Used by the chain alone.
  LogKey key_;
  std::optional<LogReader> reader_;
  std::optional<Watchers::WatchId> watch_;
  std::optional<LogFiles::FollowId> follow_;
  v1::TrialLogChunk chunk_;
  bool ended_ = false;  // what is there now is all

  std::atomic<bool> study_changed_ = false;  // since it was looked at
};

}  // namespace

grpc::ServerWriteReactor<v1::TrialLogChunk>* StartLogStream(ServiceContext& context, OpenStreams& logs,
                                                            const v1::ReadTrialLogRequest& request) {
  auto stream = std::make_shared<LogStream>(context, logs, request);
  stream->Start();
  return stream.get();
}

}  // namespace athanor
