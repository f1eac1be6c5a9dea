#include "server/rpc/watch_stream.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/rpc/paced_stream.h"
#include "server/rpc/snapshot.h"

namespace athanor {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kDefaultIntervalMs = 250;
constexpr int64_t kShortestIntervalMs = 50;
constexpr int64_t kLongestIntervalMs = 3'600'000;
constexpr int32_t kDefaultTop = 10;
constexpr int32_t kLongestTop = 100;
// While trials run, their progress is worth a snapshot even if nothing was committed.
constexpr milliseconds kRefresh(1000);

milliseconds IntervalOf(const v1::WatchStudyRequest& request) {
  if (request.min_interval_ms() <= 0) return milliseconds(kDefaultIntervalMs);
  return milliseconds(std::clamp(request.min_interval_ms(), kShortestIntervalMs, kLongestIntervalMs));
}

// The chain: draft (owner thread), complete (pool), write, pause for the interval, wait for a change, draft again.
class WatchStream final : public PacedStream<WatchStream, v1::StudySnapshot> {
 public:
  WatchStream(ServiceContext& context, OpenStreams& watches, const v1::WatchStudyRequest& request)
      : PacedStream(watches),
        context_(context),
        name_(request.study()),
        interval_(IntervalOf(request)),
        top_(request.top() <= 0 ? kDefaultTop : std::min(request.top(), kLongestTop)) {
    cursor_.decisions_after = request.after_revision();
  }

  void Start() {
    if (Open()) Draft();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the reader is gone"));
    if (last_) return End(absl::OkStatus());
    StartWait(Wait::kPause, interval_);
  }

 private:
  friend PacedStream;

  void Woken(Wait wait, bool changed) {
    if (wait == Wait::kPause && !changed && !cursor_.more_decisions) {
      return StartWait(Wait::kUntilNews, running_ ? std::max(kRefresh - interval_, milliseconds(0)) : kLongestWait);
    }
    refresh_ = !changed && running_;
    Draft();
  }

  void Unfollow() {
    // If the queue refuses, the watcher stays behind and finds nobody.
    (void)context_.owner.Post([self = shared_from_this()](Transaction&) -> Owner::Reply {
      if (self->watch_.has_value()) self->context_.coordinator.watchers().Remove(self->study_, *self->watch_);
      return nullptr;
    });
  }

  void Draft() {
    const absl::Status posted = context_.owner.Post(
        [self = shared_from_this()](Transaction& tx) -> Owner::Reply { return self->DraftOnOwner(tx); });
    if (!posted.ok()) End(posted);
  }

  Owner::Reply DraftOnOwner(Transaction& tx) {
    const auto fail = [self = shared_from_this()](absl::Status status) -> Owner::Reply {
      return [self, status = std::move(status)](const absl::Status&) { self->End(status); };
    };
    if (context_.stopping.load()) return fail(absl::UnavailableError("the coordinator is shutting down"));
    // By id after the first time: a new study of the same name is another one.
    auto& state = context_.coordinator.state();
    const auto found = watch_.has_value() ? state.FindStudy(study_) : state.FindStudy(name_);
    if (!found.ok()) return fail(found.status());
    const LiveStudy& study = **found;
    if (!watch_.has_value()) {
      study_ = study.id();
      watch_ = context_.coordinator.watchers().Add(study_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->NoteNews();
      });
    }
    const bool nothing_new = study.record().revision == revision_ && !refresh_ && !cursor_.more_decisions;
    if (nothing_new) {
      return [self = shared_from_this()](const absl::Status&) { self->StartWait(Wait::kPause, self->interval_); };
    }
    revision_ = study.record().revision;
    auto draft = std::make_shared<SnapshotDraft>(DraftSnapshot(context_.coordinator, study, top_, tx.now.monotonic));
    return [self = shared_from_this(), draft](const absl::Status& commit) {
      if (!commit.ok()) return self->End(commit);
      const absl::Status posted = self->context_.reads.Post([self, draft] { self->Complete(std::move(*draft)); });
      if (!posted.ok()) self->End(posted);
    };
  }

  void Complete(SnapshotDraft draft) {
    const bool finished = draft.finished;
    absl::StatusOr<v1::StudySnapshot> snapshot = CompleteSnapshot(context_.store, std::move(draft), cursor_);
    if (!snapshot.ok()) return End(snapshot.status());
    snapshot_ = *std::move(snapshot);
    running_ = snapshot_.running_size() > 0;
    last_ = finished && !cursor_.more_decisions;
    StartWrite(&snapshot_);
  }

  ServiceContext& context_;
  const std::string name_;
  const milliseconds interval_;
  const int top_;

  // Used by the chain alone.
  StudyId study_ = 0;
  std::optional<Watchers::WatchId> watch_;
  Revision revision_ = 0;  // of the last snapshot
  WatchCursor cursor_;
  v1::StudySnapshot snapshot_;
  bool running_ = false;  // trials run
  bool refresh_ = false;  // a snapshot is due although nothing was committed
  bool last_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::StudySnapshot>* StartWatch(ServiceContext& context, OpenStreams& watches,
                                                        const v1::WatchStudyRequest& request) {
  auto watch = std::make_shared<WatchStream>(context, watches, request);
  watch->Start();
  return watch.get();
}

}  // namespace athanor
