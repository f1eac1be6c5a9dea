// What every store does with a batch as a whole, and with workers and requests.
#include <limits>
#include <string>
#include <vector>

#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using ::testing::IsEmpty;

class CommitContractTest : public StoreContractTest {};
ATHANOR_FOR_EVERY_STORE(CommitContractTest);

WorkerRecord RichWorker(const std::string& name) {
  WorkerRecord worker;
  worker.name = name;
  worker.incarnation = std::numeric_limits<uint64_t>::max() - 1;
  worker.host = "gpu-7.cluster";
  worker.slots = 4;
  worker.devices = {{"cuda", "H100", int64_t{80} << 30}, {"cpu", "", 0}, {"cuda", "H100", 1}};
  worker.labels = {{"rack", "7"}, {"größe", ""}};
  worker.trainers = {"athanor-trainer", "custom"};
  worker.datasets = {"fashion-mnist", "cifar"};
  worker.option_table_hash = "abc";
  worker.standing = WorkerStanding::kQuarantined;
  worker.reason = "three failures";
  worker.last_seen = At(77);
  worker.trusted_from = 12;
  return worker;
}

TEST_P(CommitContractTest, EmptyBatchIsFine) { MustCommit({}); }

TEST_P(CommitContractTest, WorkersAreReplacedByName) {
  WorkerRecord bare;
  bare.name = "a";
  MustCommit({PutWorker{RichWorker("b")}, PutWorker{bare}});
  Reopen();
  EXPECT_EQ(Text(*store().LoadWorkers()), Text(std::vector{bare, RichWorker("b")}));
  WorkerRecord changed = RichWorker("b");
  changed.incarnation = 1;
  changed.devices.erase(changed.devices.begin());
  changed.labels.erase("rack");
  changed.trainers = {};
  changed.datasets = {"cifar"};
  changed.standing = WorkerStanding::kDraining;
  changed.reason = "";
  changed.last_seen = At(78);
  MustCommit({PutWorker{changed}});
  Reopen();
  EXPECT_EQ(Text(*store().LoadWorkers()), Text(std::vector{bare, changed}));
}

TEST_P(CommitContractTest, RequestsAreRememberedUntilForgotten) {
  const RequestRecord create{"id-1", "CreateStudy", std::string("\x00\xff bytes", 8), 1, std::nullopt, 0, At(100)};
  const RequestRecord enqueue{"id-2", "EnqueueTrial", "f", 1, 5, 3, At(101)};
  MustCommit({PutRequest{create}, PutRequest{enqueue}});
  Reopen();
  EXPECT_EQ(Text(store().FindRequest("id-1")->value()), Text(create));
  EXPECT_EQ(Text(store().FindRequest("id-2")->value()), Text(enqueue));
  EXPECT_EQ(*store().FindRequest("id-3"), std::nullopt);
  MustCommit({ForgetRequests{At(101)}});  // strictly older than
  Reopen();
  EXPECT_EQ(*store().FindRequest("id-1"), std::nullopt);
  EXPECT_EQ(Text(store().FindRequest("id-2")->value()), Text(enqueue));
  MustCommit({ForgetRequests{At(102)}});
  EXPECT_EQ(*store().FindRequest("id-2"), std::nullopt);
}

TEST_P(CommitContractTest, RequestRemembersWhatItCollected) {
  const auto checkpoint = [](TrialNumber trial, Token token, int64_t step) {
    return Checkpoint{.trial = trial, .token = token, .step = step, .sha256 = std::string(64, 'a'), .size_bytes = 7};
  };
  RequestRecord collection{"id", "CollectGarbage", "f", 1, std::nullopt, 0, At(100)};
  collection.collected = {{checkpoint(2, 9, 4), "FAILED"}, {checkpoint(1, 8, 3), "it's \xff"}};
  const RequestRecord other{"other", "CollectGarbage", "f", 1, std::nullopt, 0, At(101), {{checkpoint(3, 7, 1), "x"}}};
  MustCommit({PutRequest{collection}, PutRequest{other}});
  Reopen();
  EXPECT_EQ(Text(store().FindRequest("id")->value()), Text(collection));
  collection.collected.erase(collection.collected.begin());
  MustCommit({PutRequest{collection}});
  EXPECT_EQ(Text(store().FindRequest("id")->value()), Text(collection));
  MustCommit({ForgetRequests{At(101)}, PutRequest{{"id", "PauseStudy", "f", 1, std::nullopt, 0, At(102)}}});
  EXPECT_EQ(store().FindRequest("id")->value().collected.size(), 0u);
  EXPECT_EQ(Text(store().FindRequest("other")->value()), Text(other));
}

TEST_P(CommitContractTest, RequestOutlivesItsStudy) {
  const RequestRecord request{"id", "DeleteStudy", "f", 1, std::nullopt, 0, At(5)};
  MustCommit({PutStudy{SmallStudy(1, "a")}});
  MustCommit({DeleteStudy{1}, PutRequest{request}});
  EXPECT_EQ(Text(store().FindRequest("id")->value()), Text(request));
}

TEST_P(CommitContractTest, LaterChangesOfABatchSeeEarlierOnes) {
  MustCommit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(1, 0)},
              AddMeasurement{1, 0, 1, {1, 10, {{"loss", 1}}}}, UpdateTrial{1, SmallTrial(0, TrialState::kCompleted)},
              DeleteStudy{1}, PutStudy{SmallStudy(2, "a")}});
  EXPECT_EQ(store().LoadStudyIds()->size(), 1);
  EXPECT_EQ(store().LoadHighestIds()->token, 1);
}

// One change of every kind that takes effect on a store prepared by PrepareForEveryChange.
ChangeBatch EveryChange() {
  DecisionRecord decision;
  decision.revision = 2;
  StudyRecord study = SmallStudy(1, "a");
  study.state = StudyState::kPaused;
  study.revision = 9;
  Attempt ended = SmallAttempt(1, 0);
  ended.outcome = AttemptOutcome::kFailed;
  return {
      PutStudy{study},
      PutStudy{SmallStudy(3, "c")},
      InsertTrial{1, SmallTrial(1)},
      UpdateTrial{1, SmallTrial(0, TrialState::kFailed)},
      InsertAttempt{1, SmallAttempt(2, 1)},
      UpdateAttempt{1, ended},
      AddMeasurement{1, 0, 1, {2, 20, {{"loss", 2}, {"new_metric", 3}}}},
      ArchiveMeasurements{1, 0, 0, 2},
      PutRungEntry{1, {.bracket = 0, .rung = 0, .trial = 0, .value = 9, .token = 1, .promoted = true}},
      PutRungEntry{1, {.bracket = 0, .rung = 1, .trial = 0, .value = 9, .token = 1}},
      AddDecision{1, decision},
      AddCheckpoint{1, {.trial = 0, .token = 1, .step = 2, .sha256 = "bb", .size_bytes = 2}},
      RemoveCheckpoint{1, {.trial = 0, .token = 1, .step = 1, .sha256 = "", .size_bytes = 0}},
      PutFinalMetrics{1, 0, {{"new_final", 1}}},
      PushEnqueued{1, {2, {Value(0.1)}}},
      PopEnqueued{1, 1},
      PutWorker{RichWorker("new")},
      PutRequest{{"new", "CreateStudy", "f", 1, std::nullopt, 0, At(1000)}},
      ForgetRequests{At(500)},
      DeleteStudy{2},
  };
}

ChangeBatch PrepareForEveryChange() {
  DecisionRecord decision;
  decision.revision = 1;
  return {
      PutStudy{SmallStudy(1, "a")},
      PutStudy{SmallStudy(2, "b")},
      InsertTrial{1, SmallTrial(0)},
      InsertTrial{2, SmallTrial(0)},
      InsertAttempt{1, SmallAttempt(1, 0)},
      AddMeasurement{1, 0, 1, {1, 10, {{"loss", 1}}}},
      PutRungEntry{1, {.bracket = 0, .rung = 0, .trial = 0, .value = 1, .token = 1}},
      AddDecision{1, decision},
      AddCheckpoint{1, {.trial = 0, .token = 1, .step = 1, .sha256 = "aa", .size_bytes = 1}},
      PutFinalMetrics{1, 0, {{"final", 1}}},
      PushEnqueued{1, {1, {Value(0.1)}}},
      PutRequest{{"old", "CreateStudy", "f", 1, std::nullopt, 0, At(1)}},
  };
}

// Everything that can be read back.
std::string Everything(Store& store) {
  std::string text = absl::StrCat("highest ", store.LoadHighestIds()->study, " ", store.LoadHighestIds()->token, "\n",
                                  Text(*store.LoadWorkers()));
  for (const char* id : {"old", "new"}) {
    const auto request = *store.FindRequest(id);
    absl::StrAppend(&text, request.has_value() ? Text(*request) : "forgotten", "\n");
  }
  const std::vector<StudyId> studies = *store.LoadStudyIds();
  for (const StudyId study : studies) {
    const StudyImage image = *store.LoadStudy(study);
    absl::StrAppend(&text, Text(image), Text(*store.ReadDecisions(study, std::nullopt, 0, 100)));
    for (const Trial& trial : image.trials) {
      absl::StrAppend(&text, Text(*store.ReadAttempts(study, trial.number)),
                      Text(*store.ReadCurves(study, trial.number, {}, Archived::kLeaveOut)),
                      Text(*store.ReadCurves(study, trial.number, {}, Archived::kInclude)),
                      Text(*store.ReadFinalMetrics(study, trial.number)));
    }
  }
  return text;
}

TEST_P(CommitContractTest, EveryPrefixOfABatchIsTakenBackWhenALaterChangeFails) {
  MustCommit(PrepareForEveryChange());
  const std::string before = Everything(store());
  const ChangeBatch changes = EveryChange();
  for (size_t length = 1; length <= changes.size(); ++length) {
    ChangeBatch failing(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(length));
    failing.push_back(UpdateTrial{1, SmallTrial(99)});
    EXPECT_EQ(Commit(failing).code(), absl::StatusCode::kNotFound);
    ASSERT_EQ(Everything(store()), before) << "after a failure behind " << length << " changes";
  }
  Reopen();
  EXPECT_EQ(Everything(store()), before);
}

TEST_P(CommitContractTest, BatchThatFailedCanBeCommittedAgainOnceItsCauseIsGone) {
  MustCommit(PrepareForEveryChange());
  ChangeBatch batch = EveryChange();
  batch.push_back(UpdateTrial{3, SmallTrial(0, TrialState::kFailed)});  // trial 0 of study 3 does not exist yet
  ASSERT_EQ(Commit(batch).code(), absl::StatusCode::kNotFound);
  batch.insert(batch.end() - 1, InsertTrial{3, SmallTrial(0)});
  MustCommit(batch);
  Reopen();
  EXPECT_EQ(store().LoadStudy(1)->trials[0].state, TrialState::kFailed);
  EXPECT_EQ(store().LoadStudy(3)->trials[0].state, TrialState::kFailed);
  EXPECT_EQ(Text(*store().ReadFinalMetrics(1, 0)), Text(std::vector<Metric>{{"new_final", 1}}));
}

TEST_P(CommitContractTest, MetricNameOfAFailedBatchIsStoredByTheNext) {
  MustCommit(PrepareForEveryChange());
  const Change measurement = AddMeasurement{1, 0, 1, {5, 50, {{"first_seen_here", 1}}}};
  ASSERT_FALSE(Commit({measurement, UpdateTrial{1, SmallTrial(99)}}).ok());
  MustCommit({AddMeasurement{1, 0, 1, {5, 50, {{"other", 2}}}}});
  MustCommit({measurement});
  Reopen();
  EXPECT_EQ(Text(*store().ReadCurves(1, 0, {"first_seen_here", "other"}, Archived::kLeaveOut)),
            Text(std::vector<MetricCurve>{{"first_seen_here", {{5, 1, 50}}}, {"other", {{5, 2, 50}}}}));
}

TEST(MemoryStoreTest, CommitFailsAsToldAndChangesNothing) {
  MemoryStore store;
  store.SetCommitStatus(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(store.Commit({PutStudy{SmallStudy(1, "a")}}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(*store.LoadStudyIds(), IsEmpty());
  store.SetCommitStatus(absl::OkStatus());
  EXPECT_TRUE(store.Commit({PutStudy{SmallStudy(1, "a")}}).ok());
  EXPECT_EQ(store.ReadSize()->path, "");
}

}  // namespace
}  // namespace athanor
