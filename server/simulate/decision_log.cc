#include "server/simulate/decision_log.h"

#include <fmt/format.h>

#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/value.h"

namespace athanor {
namespace {

std::string Number(double value) { return ToString(Value(value)); }
int64_t Milliseconds(WallTime time) { return time.time_since_epoch().count(); }

// Writes the line of one change, if it has one.
struct Line {
  std::string& out;
  std::vector<std::string>& parameters;

  template <typename... Arguments>
  void Write(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
    out.push_back('\n');
  }

  void operator()(const PutStudy& change) const {
    const StudyRecord& study = *change.study;
    if (study.state != StudyState::kActive) {
      Write("study {} {}", ToString(study.state), study.reason);
    } else if (parameters.empty()) {
      for (const Parameter& parameter : study.spec.parameters) parameters.push_back(parameter.name);
      Write("study \"{}\" {} {}", study.spec.name, study.spec.search.effective_method(),
            std::string(StoppingName(study.spec.early_stopping)));
    }
  }
  void operator()(const InsertTrial& change) const {
    std::string values;
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto& value = change.trial.configuration[i];
      if (value.has_value()) values += fmt::format(" {}={}", parameters[i], ToString(*value));
    }
    Write("trial {}{}", change.trial.number, values);
  }
  void operator()(const InsertAttempt& change) const {
    const Attempt& attempt = change.attempt;
    Write("attempt {} trial {} on {} at {}", attempt.token, attempt.trial, attempt.worker,
          Milliseconds(attempt.started));
  }
  void operator()(const UpdateAttempt& change) const {
    const Attempt& attempt = change.attempt;
    if (attempt.outcome != AttemptOutcome::kLive) {
      Write("attempt {} {} at {}", attempt.token, ToString(attempt.outcome), Milliseconds(attempt.ended));
    } else if (attempt.resumed_step.has_value()) {
      Write("attempt {} trial {} from step {}", attempt.token, attempt.trial, *attempt.resumed_step);
    }
  }
  void operator()(const PutRungEntry& change) const {
    const RungEntry& entry = change.entry;
    Write("rung {}{} trial {} value {}{}", entry.bracket > 0 ? fmt::format("{}/", entry.bracket) : "", entry.rung,
          entry.trial, Number(entry.value), entry.promoted ? " promoted" : "");
  }
  void operator()(const AddDecision& change) const {
    const DecisionRecord& decision = change.decision;
    Write("decision trial {} step {} {}{} value {} bound {} n {} {}", decision.trial, decision.step, decision.rule,
          decision.rung.has_value() ? fmt::format(" rung {}", *decision.rung) : "", Number(decision.value),
          Number(decision.bound), decision.n, ToString(decision.action));
  }
  template <typename Other>
  void operator()(const Other&) const {}
};

}  // namespace

absl::Status DecisionLog::Commit(const ChangeBatch& batch) {
  if (lines_ == nullptr) return absl::OkStatus();
  for (const Change& change : batch) std::visit(Line{*lines_, parameters_}, change);
  return absl::OkStatus();
}

absl::StatusOr<StudyImage> DecisionLog::LoadStudy(StudyId study) {
  return absl::NotFoundError(absl::StrCat("study ", study, " does not exist"));
}

}  // namespace athanor
