// What every store does with studies and the configurations queued for them.
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StudyContractTest : public StoreContractTest {};
ATHANOR_FOR_EVERY_STORE(StudyContractTest);

TEST_P(StudyContractTest, EmptyStoreHasNothing) {
  EXPECT_THAT(*store().LoadStudyIds(), IsEmpty());
  EXPECT_THAT(*store().LoadWorkers(), IsEmpty());
  EXPECT_EQ(store().LoadHighestIds()->study, 0);
  EXPECT_EQ(store().LoadHighestIds()->token, 0);
  EXPECT_EQ(store().LoadStudy(1).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StudyContractTest, EveryOptionOfASpecSurvives) {
  StudyRecord study;
  study.id = 1;
  study.spec = RichStudySpec("rich");
  study.state = StudyState::kPaused;
  study.reason = "no worker offers cuda";
  study.created = At(1'700'000'000'123);
  study.ended = At(1'700'000'009'999);
  study.active_ms = 42;
  study.revision = 17;
  MustCommit({PutStudy{study}});
  Reopen();
  const auto image = store().LoadStudy(1);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(Text(image->study), Text(study));
  EXPECT_EQ(image->study.spec.parameters, study.spec.parameters);
}

TEST_P(StudyContractTest, EveryEarlyStoppingRuleSurvives) {
  MedianStopping median;
  median.percentile = 50;
  median.startup_trials = 0;
  median.warmup_steps = 3;
  median.interval_steps = 2;
  median.min_trials = 4;
  PercentileStopping percentile;
  percentile.percentile = 12.5;
  AshaPromotion asha;
  asha.finalists = 2;
  AshaStopping asha_stopping;
  asha_stopping.startup_trials = 9;
  asha_stopping.max_resource = std::numeric_limits<int64_t>::max();
  AshaPromotion brackets;
  brackets.brackets = 3;
  Hyperband hyperband;
  hyperband.max_resource = 81;
  Hyperband synchronous;
  synchronous.synchronous = true;
  synchronous.finalists = 0;
  const ThresholdStopping lower = {{.lower = 0.25, .warmup_steps = 2}};
  const ThresholdStopping both = {{.lower = -1, .upper = 1e300, .interval_steps = 4}};
  const PatienceStopping patience = {.patience = 0, .min_delta = 0.125};
  const std::vector<EarlyStoppingOptions> rules = {NoStopping{},
                                                   median,
                                                   percentile,
                                                   asha,
                                                   asha_stopping,
                                                   brackets,
                                                   hyperband,
                                                   synchronous,
                                                   lower,
                                                   both,
                                                   patience,
                                                   PatienceStopping{.inner = median},
                                                   PatienceStopping{.inner = percentile},
                                                   PatienceStopping{.inner = both}};
  for (size_t i = 0; i < rules.size(); ++i) {
    StudyRecord study = SmallStudy(static_cast<StudyId>(i) + 1, absl::StrCat("rule-", i));
    study.spec.early_stopping = rules[i];
    MustCommit({PutStudy{study}});
    EXPECT_EQ(Text(store().LoadStudy(study.id)->study), Text(study));
  }
}

TEST_P(StudyContractTest, AbsentOptionsStayAbsent) {
  const StudyRecord study = SmallStudy(1, "bare");
  MustCommit({PutStudy{study}});
  const BudgetOptions budget = store().LoadStudy(1)->study.spec.budget;
  EXPECT_EQ(budget.trials, std::nullopt);
  EXPECT_EQ(budget.wall_clock_ms, std::nullopt);
  EXPECT_EQ(budget.max_failures, std::nullopt);
  EXPECT_EQ(budget.target, std::nullopt);
  EXPECT_EQ(Text(store().LoadStudy(1)->study), Text(study));
}

TEST_P(StudyContractTest, PuttingAgainUpdatesWhatChangesAndKeepsTheRest) {
  const StudyRecord first = SmallStudy(1, "a");
  MustCommit({PutStudy{first}});
  StudyRecord second = SmallStudy(1, "renamed");
  second.spec.description = "other";
  second.spec.search.seed = 9;
  second.spec.priority = 3;
  second.spec.budget = {.trials = 7, .parallel = 2, .wall_clock_ms = 5, .max_failures = 1, .target = -0.5};
  second.state = StudyState::kFailed;
  second.reason = "max_failures";
  second.created = At(1001);
  second.ended = At(5000);
  second.active_ms = 4000;
  second.revision = 12;
  MustCommit({PutStudy{second}});
  StudyRecord expected = second;
  expected.spec = first.spec;
  expected.spec.priority = 3;
  expected.spec.budget = second.spec.budget;
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->study), Text(expected));
}

TEST_P(StudyContractTest, IdsComeInAscendingOrder) {
  MustCommit({PutStudy{SmallStudy(2, "b")}, PutStudy{SmallStudy(5, "a")}, PutStudy{SmallStudy(9, "c")}});
  EXPECT_THAT(*store().LoadStudyIds(), ElementsAre(2, 5, 9));
  EXPECT_EQ(store().LoadHighestIds()->study, 9);
}

TEST_P(StudyContractTest, NameOfAnExistingStudyIsRefused) {
  MustCommit({PutStudy{SmallStudy(1, "a")}});
  const absl::Status status = Commit({PutStudy{SmallStudy(2, "a")}});
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("study 2, name 'a'"));
  EXPECT_THAT(*store().LoadStudyIds(), ElementsAre(1));
}

TEST_P(StudyContractTest, NameIsFreeAgainOnceItsStudyIsDeleted) {
  MustCommit({PutStudy{SmallStudy(1, "a")}});
  MustCommit({DeleteStudy{1}, PutStudy{SmallStudy(2, "a")}});
  EXPECT_THAT(*store().LoadStudyIds(), ElementsAre(2));
}

TEST_P(StudyContractTest, DeletedIdIsNeverUsedAgain) {
  MustCommit({PutStudy{SmallStudy(1, "a")}, PutStudy{SmallStudy(2, "b")}});
  MustCommit({DeleteStudy{2}});
  Reopen();
  EXPECT_EQ(store().LoadHighestIds()->study, 2);
  EXPECT_EQ(Commit({PutStudy{SmallStudy(2, "c")}}).code(), absl::StatusCode::kNotFound);
  MustCommit({PutStudy{SmallStudy(3, "c")}});
  EXPECT_THAT(*store().LoadStudyIds(), ElementsAre(1, 3));
}

TEST_P(StudyContractTest, DeletingWhatIsNotThereIsNoError) {
  MustCommit({DeleteStudy{77}, PopEnqueued{77, 1}, RemoveCheckpoint{77, {}}});
  EXPECT_THAT(*store().LoadStudyIds(), IsEmpty());
}

TEST_P(StudyContractTest, HighestTokenOutlivesItsStudy) {
  MustCommit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(40, 0)}});
  MustCommit({PutStudy{SmallStudy(2, "b")}, InsertTrial{2, SmallTrial(0)}, InsertAttempt{2, SmallAttempt(41, 0)}});
  EXPECT_EQ(store().LoadHighestIds()->token, 41);
  MustCommit({DeleteStudy{2}});
  Reopen();
  EXPECT_EQ(store().LoadHighestIds()->token, 41);
  MustCommit({DeleteStudy{1}});
  Reopen();
  EXPECT_EQ(store().LoadHighestIds()->token, 41);
}

TEST_P(StudyContractTest, DeletionTakesEverythingUnderTheStudy) {
  const Checkpoint checkpoint{.trial = 0, .token = 7, .step = 1, .sha256 = "aa", .size_bytes = 3};
  const RungEntry entry{.bracket = 0, .rung = 0, .trial = 0, .value = 1, .token = 7};
  DecisionRecord decision;
  decision.revision = 1;
  const ChangeBatch under = {
      InsertTrial{1, SmallTrial(0, TrialState::kCompleted)},
      InsertAttempt{1, SmallAttempt(7, 0)},
      AddMeasurement{1, 0, 7, {1, 10, {{"loss", 0.5}}}},
      PutRungEntry{1, entry},
      AddDecision{1, decision},
      AddCheckpoint{1, checkpoint},
      PutFinalMetrics{1, 0, {{"test_accuracy", 0.9}}},
      PushEnqueued{1, {1, {Value(0.25)}}},
  };
  StudyRecord study = SmallStudy(1, "a");
  study.spec = RichStudySpec("a");
  MustCommit({PutStudy{study}});
  MustCommit(under);
  MustCommit({DeleteStudy{1}});
  Reopen();
  EXPECT_EQ(store().LoadStudy(1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadCurves(1, 0, {}, Archived::kInclude).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadCompletedCurves(1, "loss").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadAttempts(1, 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadDecisions(1, std::nullopt, 0, 10).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadFinalMetrics(1, 0).status().code(), absl::StatusCode::kNotFound);
  // The token is free for nobody else, so the same one inserted anew shows that its row went.
  MustCommit({PutStudy{SmallStudy(2, "b")}, InsertTrial{2, SmallTrial(0)}, InsertAttempt{2, SmallAttempt(7, 0)}});
}

TEST_P(StudyContractTest, StudiesDoNotSeeEachOther) {
  MustCommit({PutStudy{SmallStudy(1, "a")}, PutStudy{SmallStudy(2, "b")}});
  MustCommit({InsertTrial{1, SmallTrial(0)}, InsertTrial{2, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(1, 0)},
              InsertAttempt{2, SmallAttempt(2, 0)}, AddMeasurement{1, 0, 1, {1, 10, {{"loss", 0.1}}}},
              AddMeasurement{2, 0, 2, {1, 10, {{"accuracy", 0.2}, {"loss", 0.3}}}}});
  const std::string before = LoadText(2);
  EXPECT_EQ(Text(*store().ReadCurves(1, 0, {}, Archived::kLeaveOut)), "loss: 1=" + Text(0.1) + "/10\n");
  EXPECT_EQ(Text(*store().ReadCurves(2, 0, {}, Archived::kLeaveOut)),
            "accuracy: 1=" + Text(0.2) + "/10\nloss: 1=" + Text(0.3) + "/10\n");
  MustCommit({UpdateTrial{1, SmallTrial(0, TrialState::kFailed)}, ArchiveMeasurements{1, 0, 0, 9}});
  MustCommit({DeleteStudy{1}});
  Reopen();
  EXPECT_EQ(LoadText(2), before);
}

TEST_P(StudyContractTest, QueueKeepsItsOrderAndItsHoles) {
  StudyRecord study = SmallStudy(1, "a");
  study.spec = RichStudySpec("a");  // six parameters
  MustCommit({PutStudy{study}});
  const EnqueuedConfiguration full{3,
                                   {Value(0.1), Value(0.2), Value(int64_t{8}), Value(std::string("sgd")), Value(true),
                                    Value(std::numeric_limits<double>::infinity())}};
  const EnqueuedConfiguration partial{1,
                                      {std::nullopt, std::nullopt, Value(std::numeric_limits<int64_t>::max()),
                                       std::nullopt, std::nullopt, std::nullopt}};
  const EnqueuedConfiguration open{2, Configuration(6)};
  MustCommit({PushEnqueued{1, full}, PushEnqueued{1, partial}, PushEnqueued{1, open}});
  Reopen();
  EXPECT_EQ(Text(store().LoadStudy(1)->enqueued), Text(std::vector{partial, open, full}));
  EXPECT_EQ(Commit({PushEnqueued{1, open}}).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Commit({PushEnqueued{9, open}}).code(), absl::StatusCode::kNotFound);
  MustCommit({PopEnqueued{1, 3}});
  EXPECT_EQ(Text(store().LoadStudy(1)->enqueued), Text(std::vector{partial, open}));
}

TEST_P(StudyContractTest, LastEnqueuedIdOutlivesItsConfiguration) {
  MustCommit({PutStudy{SmallStudy(1, "a")}});
  EXPECT_EQ(store().LoadStudy(1)->last_enqueued_id, 0);
  MustCommit({PushEnqueued{1, {4, {Value(0.5)}}}, PushEnqueued{1, {6, {Value(0.5)}}}});
  MustCommit({PopEnqueued{1, 6}, PopEnqueued{1, 4}});
  Reopen();
  EXPECT_EQ(store().LoadStudy(1)->last_enqueued_id, 6);
  EXPECT_THAT(store().LoadStudy(1)->enqueued, IsEmpty());
}

TEST_P(StudyContractTest, TrialsOfEarlierStudiesComeBackInOrderOfPosition) {
  StudyRecord study = SmallStudy(1, "next");
  study.spec.parameters = RichParameters();
  study.spec.warm_start = {"first", "second"};
  const PriorTrial whole{{0.1, 0.2, int64_t{-8}, std::string("sgd"), true, 0.5}, 0.25, 1};
  const PriorTrial partial{{0.1, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt}, 0, 0};
  const PriorTrial empty{Configuration(6), 1.0 / 3, 1};
  MustCommit({PutStudy{study}, AddPriorTrial{1, 2, empty}, AddPriorTrial{1, 0, whole}, AddPriorTrial{1, 1, partial}});
  Reopen();
  const auto image = store().LoadStudy(1);
  ASSERT_TRUE(image.ok()) << image.status();
  StudyImage expected;
  expected.study = study;
  expected.prior = {whole, partial, empty};
  EXPECT_EQ(Text(*image), Text(expected));
}

TEST_P(StudyContractTest, PriorTrialsBelongToAStudyAndHaveAPositionEach) {
  const AddPriorTrial first{1, 0, {{0.5}, 0, 0}};
  EXPECT_EQ(Commit({first}).code(), absl::StatusCode::kNotFound);
  MustCommit({PutStudy{SmallStudy(1, "next")}, first});
  EXPECT_EQ(Commit({first}).code(), absl::StatusCode::kAlreadyExists);
  MustCommit({DeleteStudy{1}, PutStudy{SmallStudy(2, "next")}});
  EXPECT_THAT(store().LoadStudy(2)->prior, IsEmpty());
}

}  // namespace
}  // namespace athanor
