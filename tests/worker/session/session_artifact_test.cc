// Files that trainers leave about a training, on their way to the coordinator.
#include <filesystem>
#include <fstream>

#include "tests/worker/session/session_fixture.h"
#include "tests/worker/session/warnings.h"

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class SessionArtifactTest : public SessionTest {
 protected:
  std::map<std::string, std::string> Artifacts() {
    return coordinator_.Ask([](auto& state) { return state.artifacts; });
  }
  bool RunUntilArtifacts(size_t count) {
    return RunUntil([&] { return Artifacts().size() >= count; });
  }
  // True once the session has let go of every lease, and so of its folder.
  bool RunUntilFoldersGone() {
    return RunUntil([&] { return std::filesystem::is_empty(folder_ / "trials"); });
  }
  size_t PlaceOf(const std::string& event) {
    const std::vector<std::string> events = Events();
    return static_cast<size_t>(std::find(events.begin(), events.end(), event) - events.begin());
  }
};

TEST_F(SessionArtifactTest, EveryArtifactArrivesAfterTheMeasurementsBeforeIt) {
  Start({"artifact=curve.csv"});
  coordinator_.Grant(MakeLease(0, 3));
  ASSERT_TRUE(RunUntilArtifacts(3));
  EXPECT_THAT(Artifacts(),
              ElementsAre(Pair("1-curve.csv", "1\n"), Pair("2-curve.csv", "2\n"), Pair("3-curve.csv", "3\n")));
  for (const std::string step : {"1", "2", "3"}) {
    EXPECT_LT(PlaceOf("report " + step), PlaceOf("artifact " + step + "-curve.csv"));
  }
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  EXPECT_TRUE(RunUntilFoldersGone());
}

TEST_F(SessionArtifactTest, AnUploadedArtifactIsDeletedWhileTheTrialGoesOn) {
  Start({"artifact=curve.csv", "step_ms=20"});
  coordinator_.Grant(MakeLease(0, 1'000'000));
  ASSERT_TRUE(RunUntilArtifacts(2));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "trials/1-0-100/artifact-1"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "trials/1-0-100/artifact-1.taken"));
}

TEST_F(SessionArtifactTest, AtAHoldTheArtifactComesAfterTheReportThatWaitedForTheCheckpoint) {
  Start({"artifact=curve.csv"});
  coordinator_.Ask([](auto& state) { state.uploads_held = true; });
  v1::Lease lease = MakeLease(0, 2);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntil([&] { return coordinator_.HeldUploads() == 1; }));
  EXPECT_THAT(Artifacts(), IsEmpty());
  coordinator_.ReleaseUploads();
  ASSERT_TRUE(RunUntilArtifacts(2));
  EXPECT_LT(PlaceOf("report 1"), PlaceOf("artifact 1-curve.csv"));
}

TEST_F(SessionArtifactTest, ACoordinatorThatIsAwayGetsThemWhenItIsBack) {
  Start({"artifact=curve.csv"});
  coordinator_.Ask([](auto& state) { state.artifact_status = absl::UnavailableError("busy"); });
  coordinator_.Grant(MakeLease(0, 2));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  coordinator_.Ask([](auto& state) { state.artifact_status = absl::OkStatus(); });
  EXPECT_TRUE(RunUntilArtifacts(2));
}

class RefusedArtifactTest : public SessionArtifactTest, public ::testing::WithParamInterface<absl::Status> {};

TEST_P(RefusedArtifactTest, HarmsNeitherTheTrialNorTheOthers) {
  const Warnings warnings;
  coordinator_.Ask([](auto& state) { state.artifact_status = GetParam(); });
  Start({"artifact=curve.csv"});
  coordinator_.Grant(MakeLease(0, 2));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  ASSERT_TRUE(RunUntilFoldersGone());
  EXPECT_THAT(warnings.text(),
              HasSubstr("the artifact \"curve.csv\" of step 1 was not uploaded: " + GetParam().ToString()));
  EXPECT_THAT(Artifacts(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Refusals, RefusedArtifactTest,
                         ::testing::Values(absl::ResourceExhaustedError("full"),
                                           absl::FailedPreconditionError("never was an attempt"),
                                           absl::UnimplementedError("an older coordinator"),
                                           absl::InvalidArgumentError("artifact.name")));

TEST_F(SessionArtifactTest, WhatNobodyTakesDoesNotPileUpInALongTraining) {
  const Warnings warnings;
  coordinator_.Ask([](auto& state) { state.artifact_status = absl::UnimplementedError("an older coordinator"); });
  Start({"artifact=curve.csv", "step_ms=20"});
  coordinator_.Grant(MakeLease(0, 1'000'000));
  ASSERT_TRUE(RunUntilEvent("report 3"));
  EXPECT_TRUE(RunUntil([&] {
    for (const char* name : {"artifact-1", "artifact-2", "artifact-3", "artifact-1.taken", "artifact-2.taken"}) {
      if (std::filesystem::exists(std::string(folder_ / "trials/1-0-100/") + name)) return false;
    }
    return true;
  }));
}

struct Unusable {
  std::vector<std::string> trainer;
  std::string why;
};

class UnusableArtifactTest : public SessionArtifactTest, public ::testing::WithParamInterface<Unusable> {};

TEST_P(UnusableArtifactTest, IsLeftOutWithALineInTheLog) {
  const Warnings warnings;
  Start(GetParam().trainer);
  coordinator_.Grant(MakeLease(0, 1));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  EXPECT_THAT(warnings.text(), HasSubstr("of step 1 is left out: "));
  EXPECT_THAT(warnings.text(), HasSubstr(GetParam().why));
  ASSERT_TRUE(RunUntilFoldersGone());
  EXPECT_THAT(Artifacts(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UnusableArtifactTest,
    ::testing::Values(Unusable{{"artifact=../curve.csv"}, "its name is not 1 to 100"},
                      Unusable{{"artifact=.hidden"}, "its name is not 1 to 100"},
                      Unusable{{"artifact=curve.csv", "artifact_file=none"}, "artifact-1 is no file"},
                      Unusable{{"artifact=curve.csv", "artifact_bytes=4194305"}, "it has 4194305 bytes; at most"}));

TEST_F(SessionArtifactTest, AFileOutsideOfTheTrialsFolderIsNotTheWorkersToTake) {
  const Warnings warnings;
  std::filesystem::create_directories(folder_ / "elsewhere");
  Start({"artifact=curve.csv", "artifact_dir=" + std::string(folder_ / "elsewhere")});
  coordinator_.Grant(MakeLease(0, 1));
  ASSERT_TRUE(RunUntilFinishes(1));
  ASSERT_TRUE(RunUntilFoldersGone());
  EXPECT_THAT(warnings.text(), HasSubstr("elsewhere/artifact-1 is not in"));
  EXPECT_THAT(Artifacts(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "elsewhere/artifact-1"));
}

TEST_F(SessionArtifactTest, WhileTheCoordinatorIsAwayTheNewestWaitAndTheOldestGo) {
  const Warnings warnings;
  Start({"artifact=big.png", "artifact_bytes=4000000"});  // four of them are within a trial's bounds
  coordinator_.Ask([](auto& state) { state.artifact_status = absl::UnavailableError("busy"); });
  coordinator_.Grant(MakeLease(0, 7));
  ASSERT_TRUE(RunUntilFinishes(1));
  coordinator_.Ask([](auto& state) { state.artifact_status = absl::OkStatus(); });
  ASSERT_TRUE(RunUntilArtifacts(4));
  ASSERT_TRUE(RunUntilFoldersGone());
  EXPECT_EQ(Artifacts().size(), 4u);
  EXPECT_TRUE(Artifacts().contains("7-big.png"));
  EXPECT_THAT(warnings.text(), HasSubstr("is left out: too many wait for the coordinator"));
}

TEST_F(SessionArtifactTest, ADrainDoesNotWaitForLongForWhatIsNotTaken) {
  const Warnings warnings;
  options_.logs.rest_timeout = std::chrono::milliseconds(50);
  Start({"artifact=curve.csv", "step_ms=5"});
  coordinator_.Ask([](auto& state) { state.artifact_status = absl::UnavailableError("busy"); });
  coordinator_.Grant(MakeLease(0, 1'000'000));
  ASSERT_TRUE(RunUntilEvent("report 3"));
  session_->Drain();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_TRUE(ended_->ok()) << *ended_;
  EXPECT_THAT(warnings.text(), HasSubstr("artifacts were not taken in time and are given up"));
}

TEST_F(SessionArtifactTest, TheFinalCheckpointIsUploadedBeforeTheFinish) {
  Start();
  v1::Lease lease = MakeLease(0, 2);
  lease.set_final_checkpoint(true);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(), ElementsAre("register", "report 1", "report 2", "upload 2", "finish COMPLETED"));
}

}  // namespace
}  // namespace athanor::session
