#include "server/rpc/report_stream.h"

#include <atomic>
#include <memory>
#include <utility>

#include "base/mutex.h"
#include "server/rpc/status.h"

namespace athanor {
namespace {

// Reads and writes go on side by side, and the session wakes from any thread. gRPC may run a reaction inside the very
// Start* call that causes it, so no lock is held around one; instead one thread at a time pumps, and Finish, which the
// pump does last, cannot overtake a read or write that it decided on before.
class ReportStream final : public grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>,
                           public std::enable_shared_from_this<ReportStream> {
 public:
  void Start(ServiceContext& context, ReportStreams& streams) {
    self_ = shared_from_this();
    session_ = std::make_shared<ReportSession>(context, streams, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Pump();
    });
    Pump();
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      session_->Push(request_);
      reading_ = false;
    } else {
      session_->EndOfRequests();  // `reading_` stays: there is nothing more to read
    }
    Pump();
  }

  void OnWriteDone(bool ok) override {
    session_->Written();
    if (!ok) session_->End(absl::CancelledError("the worker is gone"));
    writing_ = false;
    Pump();
  }

  void OnCancel() override {
    session_->End(absl::CancelledError("the worker is gone"));
    Pump();
  }

  void OnDone() override {
    session_->Abandon();
    self_.reset();
  }

 private:
  void Pump() {
    const auto self = shared_from_this();  // Finish may end in OnDone before it returns
    {
      const MutexLock lock(mutex_);
      if (std::exchange(pumping_, true)) {
        again_ = true;
        return;
      }
    }
    do {
      Step();
    } while (PumpAgain());
  }

  bool PumpAgain() {
    const MutexLock lock(mutex_);
    pumping_ = std::exchange(again_, false);
    return pumping_;
  }

  void Step() {
    if (finished_) return;
    if (!reading_ && session_->WantsRequest()) {
      reading_ = true;
      StartRead(&request_);
    }
    if (writing_) return;
    if (auto response = session_->TakeResponse()) {
      response_ = *std::move(response);
      writing_ = true;
      StartWrite(&response_);
    } else if (const auto end = session_->TakeEnd()) {
      finished_ = true;
      Finish(ToGrpc(*end));
    }
  }

  std::shared_ptr<ReportSession> session_;
  std::shared_ptr<ReportStream> self_;
  v1::ReportRequest request_;
  v1::ReportResponse response_;
  std::atomic<bool> reading_ = false;
  std::atomic<bool> writing_ = false;
  bool finished_ = false;  // only the pump looks at it
  Mutex mutex_;
  bool pumping_ ATHANOR_GUARDED_BY(mutex_) = false;
  bool again_ ATHANOR_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>* StartReportStream(ServiceContext& context,
                                                                                  ReportStreams& streams) {
  auto stream = std::make_shared<ReportStream>();
  stream->Start(context, streams);
  return stream.get();
}

}  // namespace athanor
