// Steering a study over the wire: another budget while it runs, a start from earlier trials.
#include <gmock/gmock.h>

#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Stub = v1::StudyService::Stub;

class SteeringTest : public RpcFixture {
 protected:
  v1::Study Update(const v1::UpdateStudyRequest& request) { return Call(*studies_, &Stub::UpdateStudy, request); }
  static v1::UpdateStudyRequest Trials(const std::string& study, int64_t trials, const std::string& request_id = "") {
    v1::UpdateStudyRequest request;
    request.set_study(study);
    request.set_request_id(request_id);
    request.mutable_update_mask()->add_paths("budget.trials");
    request.mutable_budget()->set_trials(trials);
    return request;
  }
  // One trial with the given loss, until its study has none left.
  void Train(double loss) {
    const auto leases = Acquire("w", ++sequence_);
    ASSERT_EQ(leases.size(), 1u);
    TestStream stream(*workers_);
    v1::ReportRequest request = TestStream::Hello("w");
    TestStream::AddReport(request, leases[0].ref(), 1, loss);
    ASSERT_TRUE(stream.Write(request));
    stream.ReadUntil(1);
    stream.WritesDone();
    Finish(leases[0].ref(), v1::ATTEMPT_OUTCOME_COMPLETED);
    ASSERT_TRUE(status_.ok()) << status_.error_message();
  }
};

TEST_F(SteeringTest, UpdateChangesWhatTheMaskNames) {
  Create(Small("s", 4));
  v1::UpdateStudyRequest request = Trials("s", 9);
  request.mutable_update_mask()->add_paths("priority");
  request.set_priority(5);
  request.mutable_budget()->set_max_failures(1);  // not named
  const v1::Study study = Update(request);
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(study.spec().budget().trials(), 9);
  EXPECT_EQ(study.trials_total(), 9);
  EXPECT_EQ(study.spec().priority(), 5);
  EXPECT_FALSE(study.spec().budget().has_max_failures());
  EXPECT_GT(study.revision(), 1);
}

TEST_F(SteeringTest, CompletedStudyWithRoomIsActiveAgain) {
  Create(Small("s", 1));
  Register("w");
  Train(0.5);
  EXPECT_EQ(Get("s").state(), v1::STUDY_STATE_COMPLETED);
  const v1::Study study = Update(Trials("s", 2));
  EXPECT_EQ(study.state(), v1::STUDY_STATE_ACTIVE);
  EXPECT_EQ(study.ended_unix_ms(), 0);
  Train(0.4);
  EXPECT_EQ(Get("s").state(), v1::STUDY_STATE_COMPLETED);
}

TEST_F(SteeringTest, WatcherSeesTheUpdate) {
  Create(Small("s", 4));
  v1::WatchStudyRequest watch;
  watch.set_study("s");
  const auto context = NewContext();
  const auto stream = studies_->WatchStudy(context.get(), watch);
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(stream->Read(&snapshot));
  EXPECT_EQ(snapshot.study().trials_total(), 4);
  Update(Trials("s", 9));
  ASSERT_TRUE(stream->Read(&snapshot));
  EXPECT_EQ(snapshot.study().trials_total(), 9);
  context->TryCancel();
}

TEST_F(SteeringTest, WrongUpdatesAreRefusedAndChangeNothing) {
  Create(Small("s", 4));
  Update(Trials("nobody", 9));
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  Update(Trials("s", 0));
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status_.error_message(), HasSubstr("budget.trials: 0"));
  v1::UpdateStudyRequest request = Trials("s", 9);
  request.mutable_update_mask()->add_paths("search.seed");
  Update(request);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status_.error_message(), HasSubstr("update_mask: \"search.seed\" cannot change; want some of budget."));
  request.clear_update_mask();
  Update(request);
  EXPECT_THAT(status_.error_message(), HasSubstr("update_mask: names nothing"));
  EXPECT_EQ(Get("s").trials_total(), 4);
}

TEST_F(SteeringTest, RepeatedUpdateHasOneEffectAndAnotherUnderItsIdIsRefused) {
  Create(Small("s", 4));
  Update(Trials("s", 9, "id-1"));
  Update(Trials("s", 12));
  EXPECT_EQ(Update(Trials("s", 9, "id-1")).trials_total(), 12);
  Update(Trials("s", 10, "id-1"));
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SteeringTest, WarmStartTellsHowManyTrialsCameFromWhere) {
  Create(Small("first", 2));
  Register("w");
  Train(0.5);
  Train(0.4);
  Create(Small("empty", 2));
  v1::StudySpec spec = Small("next", 20);
  spec.mutable_search()->set_method("tpe");
  spec.add_warm_start("empty");
  spec.add_warm_start("first");
  const v1::Study study = Create(spec);
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_THAT(study.spec().warm_start(), ElementsAre("empty", "first"));
  ASSERT_EQ(study.warm_start_size(), 2);
  EXPECT_EQ(study.warm_start(0).study(), "empty");
  EXPECT_EQ(study.warm_start(0).trials(), 0);
  EXPECT_EQ(study.warm_start(1).study(), "first");
  EXPECT_EQ(study.warm_start(1).trials(), 2);
}

TEST_F(SteeringTest, PlanSaysWhatWouldBeTakenOverAndWhatDoesNotExist) {
  Create(Small("first", 2));
  Register("w");
  Train(0.5);
  v1::PlanStudyRequest request;
  *request.mutable_spec() = Small("next", 20);
  request.mutable_spec()->mutable_search()->set_method("tpe");
  request.mutable_spec()->add_warm_start("first");
  const v1::StudyPlan plan = Call(*studies_, &Stub::PlanStudy, request);
  EXPECT_THAT(plan.notes(), ::testing::Contains("It starts from 1 trials of earlier studies."));
  request.mutable_spec()->add_warm_start("missing");
  Call(*studies_, &Stub::PlanStudy, request);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status_.error_message(), HasSubstr("warm_start[1]: study \"missing\" does not exist"));
}

}  // namespace
}  // namespace athanor::testing
