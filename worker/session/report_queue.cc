#include "worker/session/report_queue.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace athanor::session {
namespace {

// The report of `lease` in `request`, made at its first use.
v1::TrialReport& ReportOf(const LeaseKey& lease, v1::ReportRequest& request, std::map<LeaseKey, int>& index) {
  const auto [found, is_new] = index.try_emplace(lease, request.reports_size());
  if (is_new) *request.add_reports()->mutable_lease() = lease.ToProto();
  return *request.mutable_reports(found->second);
}

}  // namespace

void ReportQueue::AddMeasurement(const LeaseKey& lease, v1::Measurement measurement, MeasurementKind kind,
                                 std::optional<AttemptOpening> opening) {
  pending_.push_back({.lease = lease,
                      .measurement = std::move(measurement),
                      .finish = std::nullopt,
                      .kind = kind,
                      .opening = std::move(opening)});
  ++measurements_;
  if (full()) Thin();
}

void ReportQueue::AddFinish(v1::FinishRequest finish) {
  const LeaseKey lease(finish.lease());
  progress_.erase(lease);
  pending_.push_back(
      {.lease = lease, .measurement = std::nullopt, .finish = std::move(finish), .opening = std::nullopt});
}

void ReportQueue::SetProgress(const LeaseKey& lease, v1::Progress progress) { progress_[lease] = std::move(progress); }

void ReportQueue::Drop(const LeaseKey& lease) {
  progress_.erase(lease);
  const auto forget = [&](auto& items) {
    std::erase_if(items, [&](const Item& item) {
      if (item.lease != lease) return false;
      if (item.measurement.has_value()) --measurements_;
      return true;
    });
  };
  forget(pending_);
  // A request in flight stays, perhaps empty: its number is still to be acknowledged.
  for (Request& request : in_flight_) forget(request.items);
}

std::optional<v1::ReportRequest> ReportQueue::Take() {
  const bool nothing_to_say = pending_.empty() && progress_.empty() && next_sequence_ > 1;
  if (nothing_to_say || in_flight_.size() >= options_.max_in_flight) return std::nullopt;
  v1::ReportRequest message;
  message.set_sequence(next_sequence_);
  Request request{.sequence = next_sequence_++, .items = {}};
  std::map<LeaseKey, int> index;
  while (!pending_.empty() && request.items.size() < options_.max_request_items) {
    Item& item = pending_.front();
    if (item.finish.has_value()) {
      *message.add_finishes() = *item.finish;
    } else {
      v1::TrialReport& report = ReportOf(item.lease, message, index);
      *report.add_measurements() = *item.measurement;
      if (item.opening.has_value()) {
        report.set_resumed_step(item.opening->resumed_step);
        *report.mutable_environment() = item.opening->environment;
      }
    }
    request.items.push_back(std::move(item));
    pending_.pop_front();
  }
  for (auto& [lease, progress] : progress_) *ReportOf(lease, message, index).mutable_progress() = std::move(progress);
  progress_.clear();
  in_flight_.push_back(std::move(request));
  return message;
}

std::vector<LeaseKey> ReportQueue::Acknowledge(uint64_t sequence) {
  std::vector<LeaseKey> finished;
  while (!in_flight_.empty() && in_flight_.front().sequence <= sequence) {
    for (const Item& item : in_flight_.front().items) {
      if (item.finish.has_value()) finished.push_back(item.lease);
      if (item.measurement.has_value()) --measurements_;
    }
    in_flight_.pop_front();
  }
  return finished;
}

bool ReportQueue::empty() const {
  return pending_.empty() &&
         std::ranges::all_of(in_flight_, [](const Request& request) { return request.items.empty(); });
}

bool ReportQueue::Owes(const LeaseKey& lease, int64_t step) const {
  const auto owed = [&](const Item& item) {
    return item.lease == lease && item.measurement.has_value() && item.measurement->step() <= step;
  };
  return std::ranges::any_of(pending_, owed) || std::ranges::any_of(in_flight_, [&](const Request& request) {
           return std::ranges::any_of(request.items, owed);
         });
}

void ReportQueue::Rewind() {
  while (!in_flight_.empty()) {
    auto& items = in_flight_.back().items;
    pending_.insert(pending_.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
    in_flight_.pop_back();
  }
  next_sequence_ = 1;
}

void ReportQueue::Thin() {
  // A quarter at once, so that the scan is paid for by the Adds until the next one.
  const size_t target = options_.capacity - std::max<size_t>(options_.capacity / 4, 1);
  // From the newest back: which items have a later measurement of the same lease in the queue.
  std::vector<bool> superseded(pending_.size(), false);
  std::set<LeaseKey> later;
  for (size_t i = pending_.size(); i-- > 0;) {
    if (pending_[i].measurement.has_value()) superseded[i] = !later.insert(pending_[i].lease).second;
  }
  std::map<LeaseKey, AttemptOpening> openings;  // of those thinned; moves on to the lease's next measurement
  std::deque<Item> kept;
  for (size_t i = 0; i < pending_.size(); ++i) {
    Item& item = pending_[i];
    if (const auto moved = openings.find(item.lease); moved != openings.end()) {
      item.opening = std::move(moved->second);
      openings.erase(moved);
    }
    if (measurements_ > target && superseded[i] && item.kind == MeasurementKind::kTrainingOnly) {
      if (item.opening.has_value()) openings.emplace(item.lease, *std::move(item.opening));
      --measurements_;
    } else {
      kept.push_back(std::move(item));
    }
  }
  pending_ = std::move(kept);
}

}  // namespace athanor::session
