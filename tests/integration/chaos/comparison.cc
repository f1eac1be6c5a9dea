#include "tests/integration/chaos/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace athanor::chaos {
namespace {

const std::string& Objective(const StudyFacts& study) { return study.study.spec().objectives(0).metric(); }

void CheckTrial(const StudyFacts& study, const TrialFacts& facts, Problems& problems) {
  const v1::Trial& trial = facts.detail.trial();
  const auto where = fmt::format("study {} trial {}: ", study.study.spec().name(), trial.number());
  if (trial.state() != v1::TRIAL_STATE_COMPLETED && trial.state() != v1::TRIAL_STATE_PRUNED) {
    problems.push_back(where + "ended as " + v1::TrialState_Name(trial.state()) + ": " + trial.reason());
  }
  int64_t last_token = 0;
  for (int i = 0; i < facts.detail.attempts_size(); ++i) {
    const v1::Attempt& attempt = facts.detail.attempts(i);
    if (attempt.token() <= last_token) {
      problems.push_back(fmt::format("{}token {} after {}", where, attempt.token(), last_token));
    }
    last_token = attempt.token();
    if (attempt.outcome() == v1::ATTEMPT_OUTCOME_UNSPECIFIED) {
      problems.push_back(fmt::format("{}attempt {} is still live", where, attempt.token()));
    }
    const bool ends_trial =
        attempt.outcome() == v1::ATTEMPT_OUTCOME_COMPLETED || attempt.outcome() == v1::ATTEMPT_OUTCOME_PRUNED;
    if (ends_trial && i + 1 < facts.detail.attempts_size()) {
      problems.push_back(fmt::format("{}attempts after the one that ended it ({})", where, attempt.token()));
    }
  }
  for (const v1::MetricCurve& curve : facts.curve.metrics()) {
    for (int i = 1; i < curve.steps_size(); ++i) {
      if (curve.steps(i) <= curve.steps(i - 1)) {
        problems.push_back(fmt::format("{}step {} of {} is there twice", where, curve.steps(i), curve.metric()));
      }
    }
  }
}

void CheckStudy(const StudyFacts& study, Problems& problems) {
  const std::string& name = study.study.spec().name();
  if (study.study.state() != v1::STUDY_STATE_COMPLETED) {
    problems.push_back(
        fmt::format("study {} is {}: {}", name, v1::StudyState_Name(study.study.state()), study.study.reason()));
  }
  if (static_cast<int64_t>(study.trials.size()) != study.study.trials_total()) {
    problems.push_back(
        fmt::format("study {}: {} trials, its budget is {}", name, study.trials.size(), study.study.trials_total()));
  }
  std::set<std::string> points;
  std::set<int64_t> suggestions;
  for (size_t i = 0; i < study.trials.size(); ++i) {
    const v1::Trial& trial = study.trials[i].detail.trial();
    if (trial.number() != static_cast<int64_t>(i)) {
      problems.push_back(fmt::format("study {}: trial {} stands at place {}", name, trial.number(), i));
    }
    if (trial.has_suggestion_index() && !suggestions.insert(trial.suggestion_index()).second) {
      problems.push_back(fmt::format("study {}: suggestion {} was used twice", name, trial.suggestion_index()));
    }
    if (study.study.spec().search().method() == "grid" && !points.insert(ConfigurationText(trial)).second) {
      problems.push_back(fmt::format("study {}: grid point {} is there twice", name, ConfigurationText(trial)));
    }
    CheckTrial(study, study.trials[i], problems);
  }
}

std::string CurveText(const v1::MetricCurve* curve) {
  std::string text;
  for (int i = 0; curve != nullptr && i < curve->steps_size(); ++i) {
    text += fmt::format(" {}:{}", curve->steps(i), curve->values(i));
  }
  return text;
}

std::string TrialText(const StudyFacts& study, const TrialFacts& facts) {
  const v1::Trial& trial = facts.detail.trial();
  return fmt::format("{} seed {} {} best {} at {} curve{}", ConfigurationText(trial), trial.seed(),
                     v1::TrialState_Name(trial.state()), trial.best_value(), trial.best_step(),
                     CurveText(FindMetric(facts.curve, Objective(study))));
}

// What a search without a model suggests depends on the seed and the number alone, whatever is stopped.
std::string SuggestionText(const StudyFacts&, const TrialFacts& facts) {
  const v1::Trial& trial = facts.detail.trial();
  return fmt::format("{} seed {}", ConfigurationText(trial), trial.seed());
}

using TextOf = std::string (*)(const StudyFacts&, const TrialFacts&);
void CompareTrials(const StudyFacts& undisturbed, const StudyFacts& disturbed, TextOf text, Problems& problems) {
  const size_t count = std::min(undisturbed.trials.size(), disturbed.trials.size());
  for (size_t i = 0; i < count; ++i) {
    const std::string before = text(undisturbed, undisturbed.trials[i]);
    const std::string after = text(disturbed, disturbed.trials[i]);
    if (before == after) continue;
    problems.push_back(fmt::format("study {} trial {} differs:\n  undisturbed {}\n  disturbed   {}",
                                   disturbed.study.spec().name(), i, before, after));
  }
}

// (configuration, seed, step) -> value, of every attempt; a second, different value is a problem of its own.
using Values = std::map<std::tuple<std::string, uint64_t, int64_t>, double>;
Values ValuesOf(const StudyFacts& study, Problems& problems) {
  Values values;
  for (const TrialFacts& facts : study.trials) {
    const v1::MetricCurve* curve = FindMetric(facts.reported, Objective(study));
    const v1::Trial& trial = facts.detail.trial();
    for (int i = 0; curve != nullptr && i < curve->steps_size(); ++i) {
      const auto [known, is_new] =
          values.try_emplace({ConfigurationText(trial), trial.seed(), curve->steps(i)}, curve->values(i));
      if (is_new || known->second == curve->values(i)) continue;
      problems.push_back(fmt::format("study {} trial {} step {}: {} in one attempt, {} in another",
                                     study.study.spec().name(), trial.number(), curve->steps(i), known->second,
                                     curve->values(i)));
    }
  }
  return values;
}

void CompareValues(const StudyFacts& undisturbed, const StudyFacts& disturbed, Problems& problems) {
  const Values before = ValuesOf(undisturbed, problems);
  int64_t common = 0;
  for (const auto& [key, value] : ValuesOf(disturbed, problems)) {
    const auto found = before.find(key);
    if (found == before.end()) continue;
    ++common;
    if (found->second == value) continue;
    problems.push_back(fmt::format("study {}: {} seed {} step {} is {} undisturbed, {} disturbed",
                                   disturbed.study.spec().name(), std::get<0>(key), std::get<1>(key), std::get<2>(key),
                                   found->second, value));
  }
  if (common == 0) problems.push_back("study " + disturbed.study.spec().name() + ": the runs have no value in common");
}

}  // namespace

Problems CheckInvariants(const Facts& facts, const std::vector<ChaosStudy>& studies) {
  Problems problems;
  std::set<int64_t> tokens;
  for (const ChaosStudy& expected : studies) {
    const auto study = facts.find(expected.name);
    if (study == facts.end()) {
      problems.push_back("study " + expected.name + " is gone");
      continue;
    }
    CheckStudy(study->second, problems);
    for (const TrialFacts& trial : study->second.trials) {
      for (const v1::Attempt& attempt : trial.detail.attempts()) {
        if (!tokens.insert(attempt.token()).second) problems.push_back(fmt::format("token {} twice", attempt.token()));
      }
    }
  }
  if (facts.size() != studies.size()) problems.push_back(fmt::format("{} studies", facts.size()));
  return problems;
}

Problems Compare(const Facts& undisturbed, const Facts& disturbed, const std::vector<ChaosStudy>& studies) {
  Problems problems;
  for (const ChaosStudy& study : studies) {
    const auto before = undisturbed.find(study.name);
    const auto after = disturbed.find(study.name);
    if (before == undisturbed.end() || after == disturbed.end()) continue;  // CheckInvariants tells
    CompareTrials(before->second, after->second, study.promise == Promise::kSameTrials ? TrialText : SuggestionText,
                  problems);
    CompareValues(before->second, after->second, problems);
  }
  return problems;
}

Durability CheckAcknowledged(const StudyFacts& study, const DriverLog& log, Problems& problems) {
  std::multiset<std::tuple<int64_t, int64_t, int64_t>> rows;  // trial, token, step
  std::set<std::tuple<int64_t, int64_t, double>> values;      // trial, step, value
  for (const TrialFacts& facts : study.trials) {
    const int64_t number = facts.detail.trial().number();
    const v1::MetricCurve* tokens = FindMetric(facts.reported, kTokenMetric);
    const v1::MetricCurve* scores = FindMetric(facts.reported, Objective(study));
    for (int i = 0; tokens != nullptr && i < tokens->steps_size(); ++i) {
      rows.emplace(number, static_cast<int64_t>(tokens->values(i)), tokens->steps(i));
    }
    for (int i = 0; scores != nullptr && i < scores->steps_size(); ++i) {
      values.emplace(number, scores->steps(i), scores->values(i));
    }
  }
  Durability durability;
  for (const AcknowledgedReport& report : log.reports) {
    ++durability.acknowledged;
    const size_t count = rows.count({report.trial, report.token, report.step});
    const bool has_value = values.contains({report.trial, report.step, report.value});
    if (count == 1 && has_value) continue;
    ++(count > 1 ? durability.duplicated : durability.lost);
    problems.push_back(fmt::format("acknowledged: trial {} token {} step {} value {}: {} rows{}", report.trial,
                                   report.token, report.step, report.value, count,
                                   has_value ? "" : ", none of that value"));
  }
  for (const int64_t trial : log.completed) {
    const bool there = static_cast<size_t>(trial) < study.trials.size();
    if (there && study.trials[static_cast<size_t>(trial)].detail.trial().state() == v1::TRIAL_STATE_COMPLETED) continue;
    problems.push_back(fmt::format("trial {}: its end was acknowledged and is not there", trial));
  }
  for (const std::string& surprise : log.surprises) problems.push_back(surprise);
  return durability;
}

}  // namespace athanor::chaos
