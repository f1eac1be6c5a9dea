#include "server/rpc/report_session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/rpc/convert_worker.h"

namespace athanor {
namespace {

// A response grows by coalescing up to so many entries; more go into the next.
constexpr int kMaxVerdictsPerResponse = 1024;
constexpr int kMaxLeasesPerResponse = 64;
// Commands that a peer leaves unread before it is given up.
constexpr int kMaxUnreadCommands = 4096;

}  // namespace

bool ReportSession::WantsRequest() {
  const MutexLock lock(mutex_);
  return !half_closed_ && !end_.has_value() && in_flight_ < kMaxInFlight;
}

absl::StatusOr<ReportSession::Request> ReportSession::Convert(const v1::ReportRequest& proto) {
  if (proto.reports_size() + proto.finishes_size() > kMaxItemsPerRequest) {
    return absl::InvalidArgumentError(
        absl::StrCat("request ", proto.sequence(), " holds more than ", kMaxItemsPerRequest, " reports and finishes"));
  }
  Request request;
  request.worker = proto.worker();
  request.incarnation = proto.incarnation();
  request.sequence = proto.sequence();
  request.reports.reserve(static_cast<size_t>(proto.reports_size()));
  for (const v1::TrialReport& report : proto.reports()) request.reports.push_back(FromProto(report));
  for (const v1::FinishRequest& finish : proto.finishes()) {
    request.finishes.emplace_back(FromProto(finish.lease()), FromProto(finish));
  }
  if (proto.has_acquire()) request.acquire = FromProto(proto.acquire());
  return request;
}

void ReportSession::Push(const v1::ReportRequest& proto) {
  absl::StatusOr<Request> request = Convert(proto);
  if (!request.ok()) return End(request.status());
  {
    const MutexLock lock(mutex_);
    if (end_.has_value() || in_flight_ >= kMaxInFlight) return;
    ++in_flight_;
    queued_.push_back(*std::move(request));
    if (std::exchange(posted_, true)) return;
  }
  const absl::Status posted = context_.owner.Post(
      [self = shared_from_this()](Transaction& tx) -> Owner::Reply { return self->ApplyQueued(tx); });
  if (!posted.ok()) End(posted);
}

void ReportSession::EndOfRequests() {
  {
    const MutexLock lock(mutex_);
    half_closed_ = true;
  }
  Wake();
}

std::optional<v1::ReportResponse> ReportSession::TakeResponse() {
  const MutexLock lock(mutex_);
  if (outgoing_.empty()) return std::nullopt;
  Outgoing next = std::move(outgoing_.front());
  outgoing_.pop_front();
  being_written_ = next.requests;
  return std::move(next.response);
}

void ReportSession::Written() {
  const MutexLock lock(mutex_);
  in_flight_ -= std::exchange(being_written_, 0);
}

std::optional<absl::Status> ReportSession::TakeEnd() {
  const MutexLock lock(mutex_);
  if (end_taken_ || !outgoing_.empty()) return std::nullopt;
  if (!end_.has_value() && half_closed_ && in_flight_ == 0) end_ = absl::OkStatus();
  if (!end_.has_value()) return std::nullopt;
  end_taken_ = true;
  return end_;
}

void ReportSession::End(absl::Status status) {
  {
    const MutexLock lock(mutex_);
    if (end_.has_value()) return;
    end_ = std::move(status);
    queued_.clear();
  }
  Wake();
}

void ReportSession::Abandon() {
  End(absl::CancelledError("the stream is gone"));
  {
    const MutexLock lock(mutex_);
    wake_ = nullptr;
    outgoing_.clear();
  }
  // If the queue refuses, the next stream of the worker replaces this one.
  (void)context_.owner.Post([self = shared_from_this()](Transaction&) -> Owner::Reply {
    if (self->worker_.empty()) return nullptr;
    self->streams_.Close(self->worker_, self.get());
    self->context_.coordinator.leases().CloseStream(self->worker_, self->stream_);
    return nullptr;
  });
}

void ReportSession::Wake() {
  std::function<void()> wake;
  {
    const MutexLock lock(mutex_);
    wake = wake_;
  }
  if (wake) wake();
}

void ReportSession::PushCommand(const Command& command) {
  bool too_slow = false;
  {
    const MutexLock lock(mutex_);
    if (end_.has_value()) return;
    if (outgoing_.empty()) outgoing_.emplace_back();
    v1::ReportResponse& response = outgoing_.back().response;
    // An acknowledgement is cumulative: repeating the last one says nothing new. A request of this very group must not
    // be acknowledged before its verdicts.
    if (outgoing_.back().requests == 0) response.set_acknowledged_sequence(answered_sequence_);
    *response.add_commands() = ToProto(command);
    too_slow = response.commands_size() > kMaxUnreadCommands;
  }
  if (too_slow) return End(absl::ResourceExhaustedError("the worker leaves its commands unread"));
  Wake();
}

Owner::Reply ReportSession::ApplyQueued(Transaction& tx) {
  std::deque<Request> requests;
  {
    const MutexLock lock(mutex_);
    posted_ = false;
    requests.swap(queued_);
  }
  std::vector<Outgoing> answers;
  absl::Status status;
  for (Request& request : requests) {
    if (failed_) break;
    if (answers.empty() || answers.back().response.verdicts_size() >= kMaxVerdictsPerResponse ||
        answers.back().response.leases_size() >= kMaxLeasesPerResponse) {
      answers.emplace_back();
    }
    status = Apply(tx, request, answers.back());
    failed_ = !status.ok();
  }
  return [self = shared_from_this(), answers = std::move(answers), status](const absl::Status& commit) mutable {
    if (!commit.ok()) {
      self->failed_ = true;
      return self->End(commit);
    }
    self->Append(std::move(answers));
    if (!status.ok()) self->End(status);
  };
}

// One response after the other, coalesced with what the peer has not read yet while that is small.
void ReportSession::Append(std::vector<Outgoing> answers) {
  {
    const MutexLock lock(mutex_);
    for (Outgoing& answer : answers) {
      if (answer.requests == 0) continue;
      answered_sequence_ = answer.response.acknowledged_sequence();
      Outgoing* last = outgoing_.empty() ? nullptr : &outgoing_.back();
      const bool fits = last != nullptr &&
                        last->response.verdicts_size() + answer.response.verdicts_size() <= kMaxVerdictsPerResponse &&
                        last->response.leases_size() + answer.response.leases_size() <= kMaxLeasesPerResponse;
      if (fits) {
        last->response.MergeFrom(answer.response);
        last->requests += answer.requests;
      } else {
        outgoing_.push_back(std::move(answer));
      }
    }
  }
  Wake();
}

absl::Status ReportSession::Open(const Request& request) {
  if (request.worker.empty()) {
    return absl::InvalidArgumentError("worker: the first request of a stream must name the worker");
  }
  if (context_.stopping.load()) return absl::UnavailableError("the coordinator is shutting down");
  CommandSink sink = [weak = weak_from_this()](const Command& command) {
    if (const auto self = weak.lock()) self->PushCommand(command);
  };
  Leases& leases = context_.coordinator.leases();
  ATHANOR_ASSIGN_OR_RETURN(stream_, leases.OpenStream(request.worker, request.incarnation, std::move(sink)));
  worker_ = request.worker;
  incarnation_ = request.incarnation;
  streams_.Open(worker_, incarnation_, shared_from_this());
  return absl::OkStatus();
}

absl::Status ReportSession::Apply(Transaction& tx, Request& request, Outgoing& outgoing) {
  if (worker_.empty()) {
    ATHANOR_RETURN_IF_ERROR(Open(request));
  } else if (!request.worker.empty() && (request.worker != worker_ || request.incarnation != incarnation_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("worker: \"", request.worker, "\" on the stream of \"", worker_, "\""));
  }
  ATHANOR_RETURN_IF_ERROR(context_.coordinator.state().HearFrom(worker_, incarnation_, tx.now).status());
  if (request.sequence > last_sequence_ + 1 || request.sequence == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("sequence: ", request.sequence, " after ", last_sequence_, "; want the next number"));
  }
  // A verdict would be the last word on a report; the end of the stream has it sent again.
  const bool writes = !request.reports.empty() || !request.finishes.empty();
  if (writes) ATHANOR_RETURN_IF_ERROR(tx.writable);
  ++outgoing.requests;
  outgoing.response.set_acknowledged_sequence(std::max(request.sequence, last_sequence_));
  if (request.sequence <= last_sequence_) return absl::OkStatus();  // a repeat
  last_sequence_ = request.sequence;

  for (size_t i = 0; i < request.reports.size(); ++i) {
    if (i + 1 < request.reports.size()) context_.coordinator.reports().Prefetch(request.reports[i + 1].lease);
    *outgoing.response.add_verdicts() = ToProto(context_.coordinator.reports().Report(tx, request.reports[i]));
  }
  for (const auto& [lease, finish] : request.finishes) {
    Verdict verdict;
    verdict.lease = lease;
    verdict.status = finish.ok() ? context_.coordinator.leases().Finish(tx, *finish).status() : finish.status();
    *outgoing.response.add_verdicts() = ToProto(verdict);
  }
  if (!request.acquire.has_value()) return absl::OkStatus();
  request.acquire->worker = worker_;
  request.acquire->incarnation = incarnation_;
  ATHANOR_ASSIGN_OR_RETURN(const Grants grants, context_.coordinator.dispatch().AcquireNow(tx, *request.acquire));
  for (const LeaseGrant& grant : grants) *outgoing.response.add_leases() = ToProto(grant);
  return absl::OkStatus();
}

void ReportStreams::Open(const std::string& worker, uint64_t incarnation,
                         const std::shared_ptr<ReportSession>& session) {
  Entry& entry = sessions_[worker];
  const auto before = std::exchange(entry, Entry{incarnation, session}).session.lock();
  if (before != nullptr) before->End(absl::AbortedError("a newer stream of the worker replaced this one"));
}

void ReportStreams::Close(const std::string& worker, const ReportSession* session) {
  const auto entry = sessions_.find(worker);
  if (entry == sessions_.end()) return;
  const auto open = entry->second.session.lock();
  if (open == nullptr || open.get() == session) sessions_.erase(entry);
}

void ReportStreams::CloseOlder(const std::string& worker, uint64_t incarnation) {
  const auto entry = sessions_.find(worker);
  if (entry == sessions_.end() || entry->second.incarnation >= incarnation) return;
  const auto open = entry->second.session.lock();
  sessions_.erase(entry);
  if (open != nullptr) open->End(absl::FailedPreconditionError("a newer incarnation of the worker registered"));
}

void ReportStreams::CloseAll(const absl::Status& status) {
  for (const auto& [worker, entry] : sessions_) {
    if (const auto open = entry.session.lock()) open->End(status);
  }
}

}  // namespace athanor
