// A worker's report stream without its carrier: requests in, acknowledgements and commands out.
//
// Requests that wait are applied together, in one operation of the owner, and answered together once their group is on
// disk. At most kMaxInFlight requests are between being read and having their answer written, so a peer that reads
// slowly is read slowly. A failed commit ends the stream, and so does a report while nothing can be written; the worker
// sends again what was not acknowledged.
//
// The carrier pulls: after every `wake` it asks what to do next (WantsRequest, TakeResponse, TakeEnd). Threads:
// thread-safe; `wake` is called without locks held, from any thread, and must not block.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "athanor/v1/worker_service.pb.h"
#include "base/mutex.h"
#include "server/rpc/service_context.h"

namespace athanor {

class ReportStreams;

class ReportSession : public std::enable_shared_from_this<ReportSession> {
 public:
  static constexpr int kMaxInFlight = 64;
  static constexpr int kMaxItemsPerRequest = 4096;  // reports and finishes

  ReportSession(ServiceContext& context, ReportStreams& streams, std::function<void()> wake)
      : context_(context), streams_(streams), wake_(std::move(wake)) {}

  // ---- The carrier's side ----
  // Whether the next request may be read now.
  bool WantsRequest();
  // A request arrived. Those beyond the bound or after the end are dropped.
  void Push(const v1::ReportRequest& request);
  // No request will follow; the stream ends OK when all are answered.
  void EndOfRequests();
  // The next response to write, if there is one; call Written when it was. Not while another is being written.
  std::optional<v1::ReportResponse> TakeResponse();
  void Written();
  // How to end the stream, once: when nothing is left to write.
  std::optional<absl::Status> TakeEnd();
  // The carrier is gone; wakes no more.
  void Abandon();

  // Ends the stream after what is ready to be written. The first reason stands.
  void End(absl::Status status);

 private:
  // A request, converted before it reaches the owner thread.
  struct Request {
    std::string worker;
    uint64_t incarnation = 0;
    uint64_t sequence = 0;
    std::vector<TrialReport> reports;
    std::vector<std::pair<LeaseRef, absl::StatusOr<FinishOptions>>> finishes;
    std::optional<AcquireOptions> acquire;
  };
  // A response that may answer several requests.
  struct Outgoing {
    v1::ReportResponse response;
    int requests = 0;
  };

  static absl::StatusOr<Request> Convert(const v1::ReportRequest& proto);
  void PushCommand(const Command& command);
  void Wake();
  // Owner thread.
  Owner::Reply ApplyQueued(Transaction& tx);
  absl::Status Open(const Request& request);
  absl::Status Apply(Transaction& tx, Request& request, Outgoing& outgoing);
  void Append(std::vector<Outgoing> answers);

  ServiceContext& context_;
  ReportStreams& streams_;

  // Owner thread only.
  std::string worker_;  // empty until the first request was applied
  uint64_t incarnation_ = 0;
  uint64_t stream_ = 0;
  uint64_t last_sequence_ = 0;
  bool failed_ = false;  // later requests are dropped

  Mutex mutex_;
  std::function<void()> wake_ ATHANOR_GUARDED_BY(mutex_);
  std::deque<Request> queued_ ATHANOR_GUARDED_BY(mutex_);
  bool posted_ ATHANOR_GUARDED_BY(mutex_) = false;  // an operation will take what is queued
  int in_flight_ ATHANOR_GUARDED_BY(mutex_) = 0;
  int being_written_ ATHANOR_GUARDED_BY(mutex_) = 0;  // requests that the response under way answers
  std::deque<Outgoing> outgoing_ ATHANOR_GUARDED_BY(mutex_);
  uint64_t answered_sequence_ ATHANOR_GUARDED_BY(mutex_) = 0;  // the last whose verdicts are in a response
  bool half_closed_ ATHANOR_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ATHANOR_GUARDED_BY(mutex_);
  bool end_taken_ ATHANOR_GUARDED_BY(mutex_) = false;
};

// The open sessions: one a worker. Owner thread only.
class ReportStreams {
 public:
  // Ends the worker's earlier session with ABORTED.
  void Open(const std::string& worker, uint64_t incarnation, const std::shared_ptr<ReportSession>& session);
  void Close(const std::string& worker, const ReportSession* session);
  // A new incarnation registered: the session of an older one ends with FAILED_PRECONDITION.
  void CloseOlder(const std::string& worker, uint64_t incarnation);
  void CloseAll(const absl::Status& status);

 private:
  struct Entry {
    uint64_t incarnation = 0;
    std::weak_ptr<ReportSession> session;
  };
  std::map<std::string, Entry> sessions_;
};

}  // namespace athanor
