#include "client/cli/watch_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "client/cli/format.h"

namespace athanor::cli {
namespace {

WatchEvent FromDecision(const char* kind, const v1::Decision& decision) {
  WatchEvent event{.kind = kind,
                   .trial = decision.trial_number(),
                   .rung = std::nullopt,
                   .step = decision.step(),
                   .value = decision.value(),
                   .detail = fmt::format("by {}", decision.rule())};
  if (decision.has_rung()) event.rung = decision.rung();
  return event;
}

WatchEvent FromFinished(const v1::Trial& trial) {
  WatchEvent event{.kind = Lower(StateName(trial.state())),
                   .trial = trial.number(),
                   .rung = std::nullopt,
                   .step = trial.has_best_value() ? trial.best_step() : trial.final_step(),
                   .value = std::nullopt,
                   .detail = trial.reason()};
  if (trial.has_rung() && trial.state() == v1::TRIAL_STATE_PRUNED) event.rung = trial.rung();
  if (trial.has_best_value()) event.value = trial.best_value();
  const std::string parameters = FormatParameters(trial.parameters());
  if (!event.detail.empty() && !parameters.empty()) event.detail += ", ";
  event.detail += parameters;
  return event;
}

}  // namespace

std::string EventText(const WatchEvent& event, const std::string& metric) {
  std::string text = fmt::format("trial {} {}", event.trial, event.kind);
  if (event.rung) text += fmt::format(" {} rung {}", event.kind == "promoted" ? "from" : "at", *event.rung);
  if (event.value) text += fmt::format(": {} {}", metric, FormatMetric(*event.value));
  if (event.step > 0) text += fmt::format(" at step {}", event.step);
  if (!event.detail.empty()) text += fmt::format(" ({})", event.detail);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Json ToJson(const WatchEvent& event) {
  Json json = {{"event", event.kind}, {"trial", event.trial}};
  json["rung"] = event.rung ? Json(*event.rung) : Json();
  json["step"] = event.step;
  json["value"] = event.value ? Json(*event.value) : Json();
  json["detail"] = event.detail;
  return json;
}

absl::StatusOr<std::vector<WatchEvent>> WatchEvents::Update(const v1::StudySnapshot& snapshot) {
  std::vector<WatchEvent> events;
  AddDecisions(snapshot, &events);
  for (const v1::Trial& trial : snapshot.running()) {
    finished_.erase(trial.number());  // taken back by `trial retry`
    if (paused_.erase(trial.number()) == 0) continue;
    WatchEvent& event = events.emplace_back();
    event.kind = "promoted";
    event.trial = trial.number();
    if (trial.has_rung()) event.rung = trial.rung();
  }
  ATHANOR_RETURN_IF_ERROR(AddFinished(snapshot.study(), &events));
  return events;
}

void WatchEvents::AddDecisions(const v1::StudySnapshot& snapshot, std::vector<WatchEvent>* events) {
  for (const v1::Decision& decision : snapshot.decisions()) {
    const int64_t trial = decision.trial_number();
    if (decision.action() == v1::ACTION_PRUNE && finished_.insert(trial).second) {
      paused_.erase(trial);
      events->push_back(FromDecision("pruned", decision));
    } else if (decision.action() == v1::ACTION_PAUSE) {
      // Paused again before anyone saw it run: it was promoted in between.
      if (!paused_.insert(trial).second) {
        WatchEvent& event = events->emplace_back();
        event.kind = "promoted";
        event.trial = trial;
      }
      events->push_back(FromDecision("paused", decision));
    }
  }
}

absl::Status WatchEvents::AddFinished(const v1::Study& study, std::vector<WatchEvent>* events) {
  int64_t finished = 0;
  for (const v1::TrialCount& count : study.trial_counts()) {
    if (IsFinished(count.state())) finished += count.count();
  }
  if (finished <= static_cast<int64_t>(finished_.size())) return absl::OkStatus();
  std::vector<WatchEvent> found;
  ATHANOR_RETURN_IF_ERROR(list_finished_([&](const v1::Trial& trial) {
    if (finished_.insert(trial.number()).second) {
      paused_.erase(trial.number());
      found.push_back(FromFinished(trial));
    }
    return static_cast<int64_t>(finished_.size()) < finished;
  }));
  events->insert(events->end(), found.rbegin(), found.rend());  // lowest number first
  return absl::OkStatus();
}

}  // namespace athanor::cli
