// What is wrong is found: one fault at a time in facts that are right.
#include "tests/integration/chaos/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace athanor::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<ChaosStudy> kStudies = {{"s", "driven", Promise::kSameTrials, 1, ""}};

void AddPoint(v1::Curve& curve, int metric, int64_t step, double value) {
  while (curve.metrics_size() <= metric) {
    curve.add_metrics()->set_metric(curve.metrics_size() == 1 ? "score" : kTokenMetric);
  }
  curve.mutable_metrics(metric)->add_steps(step);
  curve.mutable_metrics(metric)->add_values(value);
}

// A study of two trials with one attempt (tokens 1 and 2) of two steps each.
Facts Sound() {
  Facts facts;
  StudyFacts& study = facts["s"];
  study.study.mutable_spec()->set_name("s");
  study.study.mutable_spec()->mutable_search()->set_method("grid");
  study.study.mutable_spec()->add_objectives()->set_metric("score");
  study.study.set_state(v1::STUDY_STATE_COMPLETED);
  study.study.set_trials_total(2);
  for (int number = 0; number < 2; ++number) {
    TrialFacts& facts_of_trial = study.trials.emplace_back();
    v1::Trial& trial = *facts_of_trial.detail.mutable_trial();
    trial.set_number(number);
    trial.set_suggestion_index(number);
    trial.set_seed(100 + static_cast<uint64_t>(number));
    trial.set_state(v1::TRIAL_STATE_COMPLETED);
    v1::NamedValue& parameter = *trial.add_parameters();
    parameter.set_name("x");
    parameter.mutable_value()->set_int_value(number);
    v1::Attempt& attempt = *facts_of_trial.detail.add_attempts();
    attempt.set_token(number + 1);
    attempt.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
    for (int64_t step = 1; step <= 2; ++step) {
      AddPoint(facts_of_trial.curve, 0, step, 0.5);
      AddPoint(facts_of_trial.curve, 1, step, number + 1);
    }
    facts_of_trial.reported = facts_of_trial.curve;
  }
  return facts;
}

struct Case {
  const char* problem;
  std::function<void(StudyFacts&)> spoil;
};

const Case kBroken[] = {
    {"study s is STUDY_STATE_ACTIVE", [](StudyFacts& s) { s.study.set_state(v1::STUDY_STATE_ACTIVE); }},
    {"1 trials, its budget is 2", [](StudyFacts& s) { s.trials.pop_back(); }},
    {"trial 5 stands at place 1", [](StudyFacts& s) { s.trials[1].detail.mutable_trial()->set_number(5); }},
    {"suggestion 0 was used twice", [](StudyFacts& s) { s.trials[1].detail.mutable_trial()->set_suggestion_index(0); }},
    {"is there twice",
     [](StudyFacts& s) {
       s.trials[1].detail.mutable_trial()->mutable_parameters(0)->mutable_value()->set_int_value(0);
     }},
    {"ended as TRIAL_STATE_RUNNING",
     [](StudyFacts& s) { s.trials[0].detail.mutable_trial()->set_state(v1::TRIAL_STATE_RUNNING); }},
    {"is still live",
     [](StudyFacts& s) { s.trials[0].detail.mutable_attempts(0)->set_outcome(v1::ATTEMPT_OUTCOME_UNSPECIFIED); }},
    {"attempts after the one that ended it",
     [](StudyFacts& s) {
       v1::Attempt& more = *s.trials[0].detail.add_attempts();
       more.set_token(9);
       more.set_outcome(v1::ATTEMPT_OUTCOME_LOST);
     }},
    {"token 1 twice", [](StudyFacts& s) { s.trials[1].detail.mutable_attempts(0)->set_token(1); }},
    {"step 2 of score is there twice", [](StudyFacts& s) { AddPoint(s.trials[0].curve, 0, 2, 0.5); }},
};

TEST(ComparisonTest, FindsEveryBrokenInvariant) {
  ASSERT_THAT(CheckInvariants(Sound(), kStudies), IsEmpty());
  for (const Case& each : kBroken) {
    Facts facts = Sound();
    each.spoil(facts["s"]);
    EXPECT_THAT(CheckInvariants(facts, kStudies), ElementsAre(HasSubstr(each.problem)));
  }
  EXPECT_THAT(CheckInvariants({}, kStudies), ElementsAre(HasSubstr("is gone"), HasSubstr("0 studies")));
}

const Case kDifferent[] = {
    {"trial 1 differs", [](StudyFacts& s) { s.trials[1].detail.mutable_trial()->set_seed(7); }},
    {"trial 0 differs", [](StudyFacts& s) { s.trials[0].detail.mutable_trial()->set_state(v1::TRIAL_STATE_PRUNED); }},
    {"trial 0 differs", [](StudyFacts& s) { s.trials[0].curve.mutable_metrics(0)->set_values(1, 0.6); }},
    {"step 2 is 0.5 undisturbed, 0.6 disturbed",
     [](StudyFacts& s) { s.trials[0].reported.mutable_metrics(0)->set_values(1, 0.6); }},
    {"0.5 in one attempt, 0.6 in another", [](StudyFacts& s) { AddPoint(s.trials[0].reported, 0, 2, 0.6); }},
};

TEST(ComparisonTest, FindsEveryDifferenceBetweenTheRuns) {
  ASSERT_THAT(Compare(Sound(), Sound(), kStudies), IsEmpty());
  for (const Case& each : kDifferent) {
    Facts facts = Sound();
    each.spoil(facts["s"]);
    EXPECT_THAT(Compare(Sound(), facts, kStudies), ElementsAre(HasSubstr(each.problem)));
  }
}

TEST(ComparisonTest, WhereRungsDecideOnlyValuesAndSuggestionsAreCompared) {
  std::vector<ChaosStudy> studies = kStudies;
  studies[0].promise = Promise::kSameValues;
  Facts facts = Sound();
  facts["s"].trials[0].detail.mutable_trial()->set_state(v1::TRIAL_STATE_PRUNED);
  EXPECT_THAT(Compare(Sound(), facts, studies), IsEmpty());
  facts["s"].trials[0].reported.mutable_metrics(0)->set_values(1, 0.6);
  EXPECT_EQ(Compare(Sound(), facts, studies).size(), 1u);
}

TEST(ComparisonTest, CountsAcknowledgedReportsThatAreLostOrThereTwice) {
  DriverLog log;
  log.reports = {{0, 1, 1, 0.5}, {0, 1, 2, 0.5}, {1, 2, 1, 0.5}};
  log.completed = {0};
  Problems problems;
  Facts facts = Sound();
  Durability durability = CheckAcknowledged(facts["s"], log, problems);
  EXPECT_EQ(durability.acknowledged, 3);
  EXPECT_EQ(durability.lost, 0);
  EXPECT_EQ(durability.duplicated, 0);
  EXPECT_THAT(problems, IsEmpty());

  log.reports.push_back({1, 7, 2, 0.5});             // a token that nobody reported under
  log.reports.push_back({1, 2, 2, 0.9});             // another value
  AddPoint(facts["s"].trials[0].reported, 1, 1, 1);  // token 1, step 1 again
  facts["s"].trials[0].detail.mutable_trial()->set_state(v1::TRIAL_STATE_RUNNING);  // its end is forgotten
  log.surprises = {"odd"};
  durability = CheckAcknowledged(facts["s"], log, problems);
  EXPECT_EQ(durability.acknowledged, 5);
  EXPECT_EQ(durability.lost, 2);
  EXPECT_EQ(durability.duplicated, 1);
  EXPECT_EQ(problems.size(), 5u);
}

}  // namespace
}  // namespace athanor::chaos
