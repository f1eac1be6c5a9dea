// Calls of clients: repeated ones, lists, deletion. SEMANTICS section 3, DESIGN "lists".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

absl::Status Delete(TestCoordinator& coordinator, const std::string& study, const std::string& request_id = "") {
  return coordinator.Run([&](Transaction& tx) {
    return coordinator.coordinator().studies().Delete(tx, study, {request_id, "DeleteStudy", study});
  });
}

absl::StatusOr<StudyState> Pause(TestCoordinator& coordinator, const std::string& study,
                                 const std::string& request_id) {
  return coordinator.Run([&](Transaction& tx) -> absl::StatusOr<StudyState> {
    const auto paused = coordinator.coordinator().studies().Pause(tx, study, {request_id, "PauseStudy", study});
    if (!paused.ok()) return paused.status();
    return (*paused)->record().state;
  });
}

// ---- Request ids ----

TEST(RequestId, RepeatedCreationReturnsTheStudyAsItIsNow) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.TryCreate(SmallStudy("s", 2), "r1").value();
  ASSERT_TRUE(coordinator.Steer(&Studies::Cancel, study).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(coordinator.TryCreate(SmallStudy("s", 2), "r1").value(), study);
    EXPECT_EQ(coordinator.coordinator().state().studies.size(), 1);
    EXPECT_EQ(coordinator.state(study), StudyState::kCancelled);
    coordinator.Reopen();
  }
}

TEST(RequestId, WithAnotherRequestIsRefused) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.TryCreate(SmallStudy("s", 2), "r1", "one").value();
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("t", 2), "r1", "two").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.Cancel(study, 0, "r1").status().code(), absl::StatusCode::kInvalidArgument);
  coordinator.Reopen();
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("t", 2), "r1", "two").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.coordinator().state().studies.size(), 1);
}

TEST(RequestId, OfACallThatFailedMayBeUsedAgain) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 2));
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("s", 2), "r1").status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(coordinator.TryCreate(SmallStudy("t", 2), "r1").ok());
}

TEST(RequestId, IsRecognisedWithinItsOwnGroup) {
  TestCoordinator coordinator;
  std::vector<StudyId> answers;
  for (int i = 0; i < 3; ++i) {
    coordinator.owner().Submit<StudyId>(
        [&](Transaction& tx) -> absl::StatusOr<StudyId> {
          const auto study =
              coordinator.coordinator().studies().Create(tx, SmallStudy("s", 2), {"r1", "CreateStudy", "f"});
          if (!study.ok()) return study.status();
          return (*study)->id();
        },
        [&](absl::StatusOr<StudyId> id) { answers.push_back(id.value_or(0)); });
  }
  coordinator.owner().RunOnce();
  EXPECT_THAT(answers, ElementsAre(1, 1, 1));
}

TEST(RequestId, IsKeptForADayAndForgottenAfterwards) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.TryCreate(SmallStudy("s", 9), "r1").value();
  coordinator.Advance(hours(24));
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("s", 9), "r1").value(), study);
  coordinator.Advance(minutes(11));
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("s", 9), "r1").status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(RequestId, NamesTheStudyByItsIdAlsoIfAnotherIsCalledSo) {
  TestCoordinator coordinator;
  ASSERT_EQ(coordinator.Create(SmallStudy("2", 2)), 1);
  ASSERT_EQ(coordinator.TryCreate(SmallStudy("plain", 2), "r1").value(), 2);
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("plain", 2), "r1").value(), 2);
}

TEST(RequestId, ARepeatedRetryDoesNotRetryAgain) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 2));
  coordinator.Register("w");
  ASSERT_EQ(coordinator.Acquire("w").size(), 1);
  ASSERT_EQ(coordinator.Cancel(study, 0, "c1").value(), TrialState::kCancelled);
  ASSERT_EQ(coordinator.Retry(study, 0, "r1").value(), TrialState::kWaiting);
  EXPECT_EQ(coordinator.Cancel(study, 0, "c1").value(), TrialState::kWaiting);  // as it is now
  ASSERT_EQ(coordinator.Cancel(study, 0, "c2").value(), TrialState::kCancelled);
  EXPECT_EQ(coordinator.Retry(study, 0, "r1").value(), TrialState::kCancelled);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kCancelled);
}

TEST(RequestId, ARepeatedEnqueueReturnsItsPositionOnce) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 3));
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", 0.5}}, "e1").value(), 0);
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", 0.25}}, "e2").value(), 1);
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", 0.25}}, "e2").value(), 1);
  EXPECT_EQ(coordinator.study(study).enqueued().size(), 2);
  EXPECT_EQ(coordinator.Enqueue(study, {{"nonsense", 0.5}}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", 5.0}}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", int64_t{1}}}).value(), 2);  // an int will do for a float
}

TEST(RequestId, ARepeatedPauseDoesNotPauseAgain) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 3));
  EXPECT_EQ(Pause(coordinator, "s", "p1").value(), StudyState::kPaused);
  ASSERT_TRUE(coordinator.Steer(&Studies::Resume, study).ok());
  EXPECT_EQ(Pause(coordinator, "s", "p1").value(), StudyState::kActive);
}

// ---- Studies ----

TEST(Create, RefusesWhatTheSpecMayNotSayAndANameThatIsTaken) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 2);
  spec.parameters[0].min = 2;
  const auto refused = coordinator.TryCreate(spec);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("parameters.learning_rate"));
  coordinator.Create(SmallStudy("s", 2));
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("s", 2)).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(coordinator.coordinator().state().studies.size(), 1);
}

TEST(Delete, IsForFinishedStudiesAndNeverReusesAnId) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 2));
  EXPECT_EQ(Delete(coordinator, "s").code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(coordinator.Steer(&Studies::Cancel, study).ok());
  EXPECT_TRUE(Delete(coordinator, "s", "d1").ok());
  EXPECT_TRUE(Delete(coordinator, "s", "d1").ok());
  EXPECT_EQ(Delete(coordinator, "s").code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(coordinator.coordinator().state().studies, IsEmpty());
  coordinator.Reopen();
  EXPECT_THAT(coordinator.coordinator().state().studies, IsEmpty());
  EXPECT_EQ(coordinator.Create(SmallStudy("s", 2)), study + 1);
}

TEST(Calls, AboutUnknownStudiesAndTrialsNameThem) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 2));
  EXPECT_THAT(Pause(coordinator, "nobody", "").status().message(), HasSubstr("nobody"));
  EXPECT_EQ(Pause(coordinator, "nobody", "").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Pause(coordinator, "77", "").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(coordinator.Cancel(1, 4).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(coordinator.Cancel(1, -1).status().code(), absl::StatusCode::kNotFound);
}

TEST(Watch, IsToldAfterTheCommitOfAChangeToItsStudyOnly) {
  TestCoordinator coordinator;
  const StudyId a = coordinator.Create(SmallStudy("a", 2));
  const StudyId b = coordinator.Create(SmallStudy("b", 2));
  int changes = 0;
  const auto id = coordinator.coordinator().watchers().Add(a, [&] { ++changes; });
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, b).ok());
  EXPECT_EQ(changes, 0);
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, a).ok());
  EXPECT_EQ(changes, 1);
  coordinator.memory_store().SetCommitStatus(absl::UnavailableError("full"));
  EXPECT_FALSE(coordinator.Steer(&Studies::Resume, a).ok());
  EXPECT_EQ(changes, 1);
  coordinator.memory_store().SetCommitStatus(absl::OkStatus());
  coordinator.clock().Advance(std::chrono::seconds(1));  // the next write is tried
  coordinator.coordinator().watchers().Remove(a, id);
  ASSERT_TRUE(coordinator.Steer(&Studies::Resume, a).ok());
  EXPECT_EQ(changes, 1);
}

// ---- Lists of trials ----

// Trials 0..5 with best values 0.3, -, 0.5, 0.3, -, 0.1; 0 COMPLETED, 5 CANCELLED, the others RUNNING.
class Listing : public ::testing::Test {
 protected:
  Listing() {
    StudySpec spec = SmallStudy("s", 6);
    spec.parameters = {{.name = "batch_size",
                        .type = ParameterType::kCategorical,
                        .values = {int64_t{16}, int64_t{32}, int64_t{64}, int64_t{128}, int64_t{256}, int64_t{512}}}};
    study = coordinator.Create(spec);
    coordinator.Register("a");
    coordinator.Register("b");
    const Grants grants = coordinator.Acquire("a", 5);
    coordinator.Report(grants[0], 1, 0.3);
    coordinator.Finish(grants[0]);
    coordinator.Report(grants[2], 1, 0.5);
    coordinator.Report(grants[3], 1, 0.3);
    coordinator.Report(coordinator.Acquire("b").at(0), 1, 0.1);
    EXPECT_TRUE(coordinator.Cancel(study, 5).ok());
  }
  TrialPage List(const TrialFilter& filter, TrialOrder order = TrialOrder::kNumber, int64_t offset = 0,
                 int64_t limit = 100) {
    return Trials::List(coordinator.study(study), filter, order, offset, limit);
  }

  TestCoordinator coordinator;
  StudyId study = 0;
};

TEST_F(Listing, OrdersByNumberEitherWayOrByRank) {
  EXPECT_THAT(List({}).trials, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(List({}, TrialOrder::kNumberDescending).trials, ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(List({}, TrialOrder::kBest).trials, ElementsAre(2, 0, 3, 5, 1, 4));
  EXPECT_EQ(List({}, TrialOrder::kBest).next_offset, std::nullopt);
}

TEST_F(Listing, FiltersByStateValueParameterAndWorker) {
  EXPECT_THAT(List({.states = {TrialState::kCompleted, TrialState::kCancelled}}).trials, ElementsAre(0, 5));
  EXPECT_THAT(List({.min_best_value = 0.3}).trials, ElementsAre(0, 2, 3));
  EXPECT_THAT(List({.max_best_value = 0.3}, TrialOrder::kBest).trials, ElementsAre(0, 3, 5));
  EXPECT_THAT(List({.worker = "a"}).trials, ElementsAre(1, 2, 3, 4));
  const Value batch_size = *coordinator.trial(study, 3).configuration[0];
  EXPECT_THAT(List({.parameters = {{"batch_size", batch_size}}}).trials, ElementsAre(3));
  EXPECT_THAT(List({.parameters = {{"nonsense", batch_size}}}).trials, IsEmpty());
}

TEST_F(Listing, PagesTogetherGiveEveryTrialOnce) {
  for (const TrialOrder order : {TrialOrder::kNumber, TrialOrder::kNumberDescending, TrialOrder::kBest}) {
    for (int64_t limit = 1; limit <= 7; ++limit) {
      std::vector<TrialNumber> all;
      std::optional<int64_t> offset = 0;
      while (offset.has_value()) {
        const TrialPage page = List({}, order, *offset, limit);
        EXPECT_LE(static_cast<int64_t>(page.trials.size()), limit);
        all.insert(all.end(), page.trials.begin(), page.trials.end());
        offset = page.next_offset;
      }
      EXPECT_EQ(all, List({}, order).trials) << "limit " << limit;
    }
  }
  EXPECT_THAT(List({}, TrialOrder::kBest, 60).trials, IsEmpty());
}

}  // namespace
}  // namespace athanor
