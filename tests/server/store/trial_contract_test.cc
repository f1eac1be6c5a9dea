// What every store does with trials, attempts, checkpoints, rung entries and decisions.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class TrialContractTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    MustCommit({PutStudy{SmallStudy(1, "a")}});
  }
};
ATHANOR_FOR_EVERY_STORE(TrialContractTest);

Trial RichTrial(TrialNumber number) {
  Trial trial = SmallTrial(number, TrialState::kPruned);
  trial.reason = "прекращено by asha at rung 2";
  trial.seed = std::numeric_limits<uint64_t>::max();
  trial.bracket = 3;
  trial.finalist = true;
  trial.best = ObjectiveValue{0.25, 9};
  trial.final = ObjectiveValue{0.5, 27};
  trial.elapsed_ms = 123'456'789'012;
  trial.attempts = 4;
  trial.stuck_failures = 2;
  trial.created = At(1);
  trial.started = At(2);
  trial.ended = At(3);
  return trial;
}

TEST_P(TrialContractTest, EveryFieldOfATrialSurvives) {
  Trial bare;
  bare.number = 1;
  bare.configuration = Configuration{std::nullopt};
  MustCommit({InsertTrial{1, RichTrial(0)}, InsertTrial{1, bare}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->trials), Text(std::vector{RichTrial(0), bare}));
}

TEST_P(TrialContractTest, EveryStateSurvives) {
  std::vector<Trial> trials;
  for (const TrialState state :
       {TrialState::kWaiting, TrialState::kRunning, TrialState::kPaused, TrialState::kCompleted, TrialState::kPruned,
        TrialState::kFailed, TrialState::kInfeasible, TrialState::kCancelled}) {
    trials.push_back(SmallTrial(std::ssize(trials), state));
    MustCommit({InsertTrial{1, trials.back()}});
  }
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->trials), Text(trials));
}

TEST_P(TrialContractTest, TrialsComeInOrderOfNumber) {
  MustCommit({InsertTrial{1, SmallTrial(2)}, InsertTrial{1, SmallTrial(0)}, InsertTrial{1, SmallTrial(1)}});
  EXPECT_EQ(Text(store().LoadStudy(1)->trials), Text(std::vector{SmallTrial(0), SmallTrial(1), SmallTrial(2)}));
}

TEST_P(TrialContractTest, NonFiniteObjectivesAreNotAbsent) {
  const double values[] = {kNan, kInfinity, -kInfinity, 0.0, std::numeric_limits<double>::denorm_min()};
  std::vector<Trial> trials;
  for (const double value : values) {
    Trial trial = SmallTrial(std::ssize(trials));
    trial.best = ObjectiveValue{value, 1};
    trial.final = ObjectiveValue{value, 2};
    trials.push_back(trial);
    MustCommit({InsertTrial{1, trial}});
  }
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->trials), Text(trials));
}

TEST_P(TrialContractTest, ConfigurationKeepsTheTypeOfEachValue) {
  StudyRecord study = SmallStudy(2, "rich");
  study.spec = RichStudySpec("rich");  // six parameters
  Trial trial = SmallTrial(0);
  trial.configuration = Configuration{Value(1.0),  Value(int64_t{1}), Value(std::string("1")),
                                      Value(true), std::nullopt,      Value(std::string("a\0b", 3))};
  Trial other = SmallTrial(1);
  other.configuration =
      Configuration{Value(kNan),          Value(-kInfinity), Value(std::numeric_limits<int64_t>::min()),
                    Value(std::string()), Value(false),      Value(std::string("ünï"))};
  MustCommit({PutStudy{study}, InsertTrial{2, trial}, InsertTrial{2, other}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(2)->trials), Text(std::vector{trial, other}));
}

TEST_P(TrialContractTest, UpdateKeepsWhatATrialWasCreatedWith) {
  const Trial first = SmallTrial(0);
  MustCommit({InsertTrial{1, first}});
  Trial second = RichTrial(0);
  second.configuration = Configuration{Value(0.75)};
  second.suggestion_index = 99;
  MustCommit({UpdateTrial{1, second}});
  Trial expected = second;
  expected.configuration = first.configuration;
  expected.suggestion_index = first.suggestion_index;
  expected.seed = first.seed;
  expected.created = first.created;
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->trials), Text(std::vector{expected}));
}

TEST_P(TrialContractTest, UnknownParentsAndDuplicatesAreRefused) {
  MustCommit({InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(5, 0)}});
  const Checkpoint of_no_trial{.trial = 3, .token = 5, .step = 1, .sha256 = "", .size_bytes = 0};
  DecisionRecord decision_on_no_trial;
  decision_on_no_trial.trial = 3;
  const RungEntry entry_of_no_trial{.bracket = 0, .rung = 0, .trial = 3, .value = 0, .token = 5};
  Attempt of_other_trial = SmallAttempt(5, 3);
  const struct {
    Change change;
    absl::StatusCode code;
  } cases[] = {
      {InsertTrial{9, SmallTrial(0)}, absl::StatusCode::kNotFound},
      {InsertTrial{1, SmallTrial(0)}, absl::StatusCode::kAlreadyExists},
      {UpdateTrial{1, SmallTrial(3)}, absl::StatusCode::kNotFound},
      {UpdateTrial{9, SmallTrial(0)}, absl::StatusCode::kNotFound},
      {InsertAttempt{1, SmallAttempt(6, 3)}, absl::StatusCode::kNotFound},
      {InsertAttempt{1, SmallAttempt(5, 0)}, absl::StatusCode::kAlreadyExists},
      {UpdateAttempt{1, SmallAttempt(6, 0)}, absl::StatusCode::kNotFound},
      {UpdateAttempt{1, of_other_trial}, absl::StatusCode::kNotFound},
      {AddMeasurement{1, 0, 6, {1, 1, {{"loss", 1}}}}, absl::StatusCode::kNotFound},
      {AddMeasurement{1, 3, 5, {1, 1, {{"loss", 1}}}}, absl::StatusCode::kNotFound},
      {AddMeasurement{9, 0, 5, {1, 1, {{"loss", 1}}}}, absl::StatusCode::kNotFound},
      {ArchiveMeasurements{1, 3, 0, 5}, absl::StatusCode::kNotFound},
      {PutRungEntry{1, entry_of_no_trial}, absl::StatusCode::kNotFound},
      {AddDecision{1, decision_on_no_trial}, absl::StatusCode::kNotFound},
      {AddCheckpoint{1, of_no_trial}, absl::StatusCode::kNotFound},
      {PutFinalMetrics{1, 3, {}}, absl::StatusCode::kNotFound},
      {PutFinalMetrics{9, 0, {{"m", 1}}}, absl::StatusCode::kNotFound},
  };
  const std::string before = LoadText(1);
  for (const auto& c : cases) {
    const absl::Status status = Commit({c.change});
    EXPECT_EQ(status.code(), c.code) << status << " for the change at " << (&c - cases);
    EXPECT_EQ(LoadText(1), before);
  }
}

TEST_P(TrialContractTest, ErrorNamesStudyTrialAndToken) {
  const absl::Status status = Commit({AddMeasurement{1, 17, 40, {5, 1, {{"loss", 1}}}}});
  EXPECT_THAT(std::string(status.message()), HasSubstr("AddMeasurement of study 1, trial 17, token 40, step 5"));
}

TEST_P(TrialContractTest, EveryFieldOfAnAttemptSurvives) {
  Attempt ended = SmallAttempt(12, 0);
  ended.worker = "nœud-1";
  ended.ended = At(9000);
  ended.outcome = AttemptOutcome::kPreempted;
  ended.reason = "drain";
  ended.resumed_step = 0;
  ended.environment = std::make_shared<const Environment>(Environment{"cuda:0 H100", "0.1.0", "2.6", 4, "d1gest"});
  ended.acquire_sequence = ~uint64_t{0};
  const Attempt live = SmallAttempt(11, 0);
  MustCommit({InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, ended}, InsertAttempt{1, live}});
  Reopen();
  EXPECT_EQ(Text(*store().ReadAttempts(1, 0)), Text(std::vector{live, ended}));
  EXPECT_EQ(Text(store().LoadStudy(1)->live_attempts), Text(std::vector{live}));
}

TEST_P(TrialContractTest, UpdateOfAnAttemptKeepsWhatGrantedIt) {
  const Attempt first = SmallAttempt(11, 0);
  MustCommit({InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, first}});
  for (const AttemptOutcome outcome :
       {AttemptOutcome::kCompleted, AttemptOutcome::kPaused, AttemptOutcome::kPruned, AttemptOutcome::kFailed,
        AttemptOutcome::kInfeasible, AttemptOutcome::kCancelled, AttemptOutcome::kLost, AttemptOutcome::kPreempted}) {
    Attempt second = first;
    second.worker = "other";
    second.started = At(1);
    second.ended = At(7);
    second.outcome = outcome;
    second.reason = "why";
    second.resumed_step = 5;
    second.environment = std::make_shared<const Environment>(Environment{"cpu", "1", "2", 1, "h"});
    second.acquire_sequence = 9;
    MustCommit({UpdateAttempt{1, second}});
    Attempt expected = second;
    expected.worker = first.worker;
    expected.started = first.started;
    expected.acquire_sequence = first.acquire_sequence;
    Reopen();
    EXPECT_EQ(Text(*store().ReadAttempts(1, 0)), Text(std::vector{expected}));
    EXPECT_THAT(store().LoadStudy(1)->live_attempts, IsEmpty());
  }
}

TEST_P(TrialContractTest, AnImageTellsWhichAttemptsFailedAndTheLastSuccessOfEachWorker) {
  MustCommit({InsertTrial{1, SmallTrial(0)}, InsertTrial{1, SmallTrial(1)}});
  const auto add = [&](Token token, TrialNumber trial, const char* worker, AttemptOutcome outcome) {
    Attempt attempt = SmallAttempt(token, trial);
    attempt.worker = worker;
    attempt.outcome = outcome;
    MustCommit({InsertAttempt{1, attempt}});
  };
  add(24, 0, "a", AttemptOutcome::kFailed);
  add(21, 1, "b", AttemptOutcome::kFailed);
  add(22, 0, "a", AttemptOutcome::kPaused);
  add(20, 0, "a", AttemptOutcome::kInfeasible);
  add(26, 0, "a", AttemptOutcome::kLost);
  add(27, 0, "a", AttemptOutcome::kPreempted);
  add(25, 1, "c", AttemptOutcome::kPruned);
  add(23, 1, "c", AttemptOutcome::kCompleted);
  add(28, 1, "c", AttemptOutcome::kCancelled);
  Reopen();
  EXPECT_EQ(Text(*store().LoadStudy(1)).substr(Text(*store().LoadStudy(1)).find("failed")),
            "failed 21 1 b\nfailed 24 0 a\nsuccess a 22\nsuccess c 25\n");
}

TEST_P(TrialContractTest, CheckpointsComeByTrialStepAndTokenAndAreReplacedByKey) {
  MustCommit({InsertTrial{1, SmallTrial(0)}, InsertTrial{1, SmallTrial(1)}});
  const Checkpoint late{.trial = 0, .token = 1, .step = 9, .sha256 = "aa", .size_bytes = 1};
  const Checkpoint retrained{.trial = 0, .token = 2, .step = 3, .sha256 = "bb", .size_bytes = 2};
  const Checkpoint early{.trial = 0, .token = 1, .step = 3, .sha256 = "cc", .size_bytes = 3};
  const Checkpoint other{.trial = 1, .token = 3, .step = 1, .sha256 = "dd", .size_bytes = int64_t{1} << 40};
  MustCommit({AddCheckpoint{1, other}, AddCheckpoint{1, late}, AddCheckpoint{1, retrained}, AddCheckpoint{1, early}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->checkpoints), Text(std::vector{early, retrained, late, other}));
  Checkpoint again = early;
  again.sha256 = "ee";
  again.size_bytes = 30;
  MustCommit({AddCheckpoint{1, again}, RemoveCheckpoint{1, late}, RemoveCheckpoint{1, late}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->checkpoints), Text(std::vector{again, retrained, other}));
}

TEST_P(TrialContractTest, RungEntriesComeByBracketRungAndTrialAndAreReplacedByKey) {
  for (TrialNumber n = 0; n < 3; ++n) MustCommit({InsertTrial{1, SmallTrial(n)}});
  const RungEntry a{.bracket = 0, .rung = 0, .trial = 2, .value = 0.5, .token = 3};
  const RungEntry b{.bracket = 0, .rung = 1, .trial = 0, .value = kInfinity, .token = 1};
  const RungEntry c{.bracket = 1, .rung = 0, .trial = 0, .value = -kInfinity, .token = 1, .promoted = true};
  const RungEntry d{.bracket = 0, .rung = 0, .trial = 0, .value = -1.5, .token = 1};
  MustCommit({PutRungEntry{1, a}, PutRungEntry{1, b}, PutRungEntry{1, c}, PutRungEntry{1, d}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->rung_entries), Text(std::vector{d, a, b, c}));
  RungEntry promoted = d;
  promoted.promoted = true;
  RungEntry replaced = b;
  replaced.value = 0.25;
  replaced.token = 8;
  MustCommit({PutRungEntry{1, promoted}, PutRungEntry{1, replaced}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->rung_entries), Text(std::vector{promoted, a, replaced, c}));
}

DecisionRecord Decision(Revision revision, TrialNumber trial, int64_t step) {
  DecisionRecord decision;
  decision.revision = revision;
  decision.trial = trial;
  decision.token = 10 + trial;
  decision.step = step;
  decision.rule = "median";
  decision.value = 0.5;
  decision.bound = 0.25;
  decision.n = 5;
  return decision;
}

TEST_P(TrialContractTest, EveryFieldOfADecisionSurvives) {
  MustCommit({InsertTrial{1, SmallTrial(0)}});
  DecisionRecord at_rung = Decision(1, 0, 3);
  at_rung.rule = "asha";
  at_rung.rung = 0;
  at_rung.value = kNan;
  at_rung.bound = -kInfinity;
  at_rung.action = Action::kPause;
  DecisionRecord without_bound = Decision(2, 0, 4);
  without_bound.bound = kNan;
  without_bound.action = Action::kPrune;
  const DecisionRecord plain = Decision(3, 0, 5);
  MustCommit({AddDecision{1, at_rung}, AddDecision{1, without_bound}, AddDecision{1, plain}});
  Reopen();
  EXPECT_EQ(Text(*store().ReadDecisions(1, std::nullopt, 0, 10)), Text(std::vector{at_rung, without_bound, plain}));
}

TEST_P(TrialContractTest, DecisionsOfOneRevisionKeepTheirOrderAndAreNeverSplit) {
  for (TrialNumber n = 0; n < 3; ++n) MustCommit({InsertTrial{1, SmallTrial(n)}});
  const DecisionRecord a = Decision(4, 2, 1);
  const DecisionRecord b = Decision(4, 0, 1);
  const DecisionRecord c = Decision(4, 0, 2);
  const DecisionRecord d = Decision(6, 1, 1);
  MustCommit({AddDecision{1, a}, AddDecision{1, b}});
  MustCommit({AddDecision{1, d}, AddDecision{1, c}});
  Reopen();
  const struct {
    std::optional<TrialNumber> trial;
    Revision after;
    int64_t limit;
    std::vector<DecisionRecord> expected;
  } cases[] = {
      {std::nullopt, 0, 100, {a, b, c, d}},
      {std::nullopt, 0, 3, {a, b, c}},
      {std::nullopt, 0, 1, {a, b, c}},
      {std::nullopt, 3, 1, {a, b, c}},
      {std::nullopt, 4, 1, {d}},
      {std::nullopt, 5, 100, {d}},
      {std::nullopt, 6, 100, {}},
      {0, 0, 100, {b, c}},
      {0, 0, 1, {b, c}},
      {1, 0, 100, {d}},
      {1, 6, 100, {}},
      {7, 0, 100, {}},
  };
  for (const auto& expected : cases) {
    EXPECT_EQ(Text(*store().ReadDecisions(1, expected.trial, expected.after, expected.limit)), Text(expected.expected))
        << "after " << expected.after << " at most " << expected.limit;
  }
}

TEST_P(TrialContractTest, FinalMetricsAreReplacedAsAWhole) {
  MustCommit({InsertTrial{1, SmallTrial(0)}});
  EXPECT_THAT(*store().ReadFinalMetrics(1, 0), IsEmpty());
  const std::vector<Metric> first = {{"test_loss", kNan}, {"test_accuracy", 0.9}, {"größe", -kInfinity}};
  MustCommit({PutFinalMetrics{1, 0, first}});
  Reopen();
  EXPECT_EQ(Text(*store().ReadFinalMetrics(1, 0)), Text(first));
  MustCommit({PutFinalMetrics{1, 0, {{"test_accuracy", 0.95}}}});
  Reopen();
  EXPECT_EQ(Text(*store().ReadFinalMetrics(1, 0)), Text(std::vector<Metric>{{"test_accuracy", 0.95}}));
  EXPECT_EQ(store().ReadFinalMetrics(1, 1).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace athanor
