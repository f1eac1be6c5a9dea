#include "server/coordinator/write_gate.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace athanor {
namespace {

constexpr Duration kBetweenLines = std::chrono::minutes(1);

bool IsOfTheDisk(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) || absl::IsDataLoss(status);
}

}  // namespace

WriteGate::State WriteGate::At(MonotonicTime now) const {
  if (error_.ok()) return State::kOpen;
  return now < next_try_ ? State::kClosed : State::kTrying;
}

absl::Status WriteGate::Refusal() const {
  return absl::Status(error_.code(), absl::StrCat("nothing can be written at the moment, try again later: ",
                                                  std::string(error_.message())));
}

void WriteGate::Committed(const absl::Status& status, MonotonicTime now) {
  if (IsOfTheDisk(status)) {
    Close(status, now);
  } else if (status.ok() && !error_.ok()) {
    Open(now);
  }
}

void WriteGate::Close(const absl::Status& status, MonotonicTime now) {
  const bool first = error_.ok();
  // Writes that succeeded for a moment only are no sign of space.
  const bool again = !first || (opened_at_ != MonotonicTime::min() && now - opened_at_ < kLongestWait);
  wait_ = again ? std::min<Duration>(2 * wait_, kLongestWait) : kShortestWait;
  next_try_ = now + wait_;
  if (first) closed_at_ = now;
  error_ = status;
  if (now < next_line_) return;
  next_line_ = now + kBetweenLines;
  logged_ = true;
  spdlog::error("a commit failed; writes are refused until one succeeds: {}", status.ToString());
}

void WriteGate::Open(MonotonicTime now) {
  if (std::exchange(logged_, false)) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - closed_at_).count();
    spdlog::info("writes succeed again after {} s", seconds);
  }
  error_ = absl::OkStatus();
  opened_at_ = now;
}

}  // namespace athanor
