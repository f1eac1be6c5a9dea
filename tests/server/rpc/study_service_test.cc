#include <gmock/gmock.h>

#include <set>

#include "server/rpc/paging.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Stub = v1::StudyService::Stub;

class StudyServiceTest : public RpcFixture {
 protected:
  v1::ChangeStudyRequest Change(const std::string& study, const std::string& request_id = "") {
    v1::ChangeStudyRequest request;
    request.set_study(study);
    request.set_request_id(request_id);
    return request;
  }
  v1::ListTrialsResponse ListTrials(const std::string& study, int page_size, const std::string& token = "",
                                    v1::TrialOrder order = v1::TRIAL_ORDER_NUMBER) {
    v1::ListTrialsRequest request;
    request.set_study(study);
    request.set_page_size(page_size);
    request.set_page_token(token);
    request.set_order(order);
    return Call(*studies_, &Stub::ListTrials, request);
  }
};

TEST_F(StudyServiceTest, CreatedStudyIsActiveAndFoundByNameAndId) {
  const v1::Study created = Create(Small("first", 4));
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(created.id(), 1);
  EXPECT_EQ(created.state(), v1::STUDY_STATE_ACTIVE);
  EXPECT_EQ(created.trials_total(), 4);
  EXPECT_EQ(created.max_resource(), 3);
  EXPECT_EQ(created.reason(), "no worker is connected");
  EXPECT_EQ(Get("first").id(), 1);
  EXPECT_EQ(Get("1").spec().name(), "first");
}

TEST_F(StudyServiceTest, UnknownStudyIsNotFoundInEveryCallAndNamesIt) {
  Get("nobody");
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status_.error_message(), HasSubstr("nobody"));
  for (const auto method : {&Stub::PauseStudy, &Stub::ResumeStudy, &Stub::CancelStudy}) {
    Call<Stub, v1::ChangeStudyRequest, v1::Study>(*studies_, method, Change("nobody"));
    EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  }
  Call(*studies_, &Stub::DeleteStudy, Change("nobody"));
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  ListTrials("nobody", 10);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  v1::GetTrialRequest trial;
  trial.set_study("nobody");
  Call(*studies_, &Stub::GetTrial, trial);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  v1::GetCurveRequest curve;
  curve.set_study("nobody");
  Call(*studies_, &Stub::GetCurve, curve);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StudyServiceTest, RefusedSpecNamesTheKeyAndStoresNothing) {
  v1::StudySpec spec = Small("bad", 4);
  spec.mutable_trainer(0)->set_name("epoch");
  Create(spec);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status_.error_message(), HasSubstr("trainer.epoch"));
  Get("bad");
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StudyServiceTest, TakenNameIsRefused) {
  Create(Small("same", 4));
  Create(Small("same", 5));
  EXPECT_EQ(code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(StudyServiceTest, RepeatedRequestIdReturnsTheSameStudy) {
  Create(Small("once", 4), "id-1");
  const v1::Study again = Create(Small("once", 4), "id-1");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(again.id(), 1);
  Create(Small("once", 5), "id-1");
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  Call(*studies_, &Stub::PauseStudy, Change("once", "id-1"));
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StudyServiceTest, RequestIdDoesNotDependOnTheOrderOfLabels) {
  v1::StudySpec forth = Small("labelled", 4), back = Small("labelled", 4);
  for (int i = 0; i < 20; ++i) (*forth.mutable_labels())[std::to_string(i)] = "x";
  for (int i = 19; i >= 0; --i) (*back.mutable_labels())[std::to_string(i)] = "x";
  Create(forth, "id-1");
  Create(back, "id-1");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
}

TEST_F(StudyServiceTest, StudyGoesThroughItsStates) {
  Create(Small("s", 4));
  EXPECT_EQ(Call(*studies_, &Stub::PauseStudy, Change("s")).state(), v1::STUDY_STATE_PAUSED);
  Call(*studies_, &Stub::DeleteStudy, Change("s"));
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Call(*studies_, &Stub::ResumeStudy, Change("s")).state(), v1::STUDY_STATE_ACTIVE);
  EXPECT_EQ(Call(*studies_, &Stub::CancelStudy, Change("s")).state(), v1::STUDY_STATE_CANCELLED);
  Call(*studies_, &Stub::ResumeStudy, Change("s"));
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  Call(*studies_, &Stub::DeleteStudy, Change("s"));
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  Get("s");
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StudyServiceTest, ListsStudiesNewestFirstPageByPage) {
  for (const char* name : {"a", "b", "c"}) Create(Small(name, 1));
  v1::ListStudiesRequest request;
  request.set_page_size(2);
  const auto first = Call(*studies_, &Stub::ListStudies, request);
  ASSERT_EQ(first.studies_size(), 2);
  EXPECT_EQ(first.studies(0).spec().name(), "c");
  EXPECT_EQ(first.studies(1).spec().name(), "b");
  request.set_page_token(first.next_page_token());
  const auto second = Call(*studies_, &Stub::ListStudies, request);
  ASSERT_EQ(second.studies_size(), 1);
  EXPECT_EQ(second.studies(0).spec().name(), "a");
  EXPECT_EQ(second.next_page_token(), "");
  request.add_states(v1::STUDY_STATE_ACTIVE);
  Call(*studies_, &Stub::ListStudies, request);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT) << "a token of another filter";
}

TEST_F(StudyServiceTest, PagesOfTrialsHoldEveryTrialOnce) {
  Create(Small("s", 5));
  Register("w");
  ASSERT_EQ(Acquire("w", 1, 5).size(), 5u);
  std::vector<int64_t> numbers;
  std::string token;
  do {
    const auto page = ListTrials("s", 2, token, v1::TRIAL_ORDER_NUMBER_DESCENDING);
    ASSERT_TRUE(status_.ok()) << status_.error_message();
    for (const v1::Trial& trial : page.trials()) numbers.push_back(trial.number());
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(numbers, ElementsAre(4, 3, 2, 1, 0));
  ListTrials("s", -1);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  ListTrials("s", 2, "garbage");
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  const std::string other = ListTrials("s", 2, "", v1::TRIAL_ORDER_NUMBER_DESCENDING).next_page_token();
  ListTrials("s", 2, other, v1::TRIAL_ORDER_NUMBER);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StudyServiceTest, ListsTrialsByFilter) {
  Create(Small("s", 3));
  Register("w");
  const auto leases = Acquire("w", 1, 2);
  Finish(leases[0].ref(), v1::ATTEMPT_OUTCOME_INFEASIBLE);
  v1::ListTrialsRequest request;
  request.set_study("s");
  request.mutable_filter()->add_states(v1::TRIAL_STATE_RUNNING);
  auto found = Call(*studies_, &Stub::ListTrials, request);
  ASSERT_EQ(found.trials_size(), 1);
  EXPECT_EQ(found.trials(0).number(), 1);
  EXPECT_EQ(found.trials(0).worker(), "w");
  request.mutable_filter()->clear_states();
  request.mutable_filter()->add_states(static_cast<v1::TrialState>(99));
  Call(*studies_, &Stub::ListTrials, request);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StudyServiceTest, EnqueuedConfigurationIsTriedNext) {
  Create(Small("s", 3));
  v1::EnqueueTrialRequest request;
  request.set_study("s");
  v1::NamedValue& value = *request.add_parameters();
  value.set_name("learning_rate");
  value.mutable_value()->set_float_value(0.5);
  EXPECT_EQ(Call(*studies_, &Stub::EnqueueTrial, request).position(), 0);
  EXPECT_EQ(Call(*studies_, &Stub::EnqueueTrial, request).position(), 1);
  Register("w");
  const auto leases = Acquire("w", 1);
  ASSERT_EQ(leases.size(), 1u);
  double rate = 0;
  for (const auto& option : leases[0].options()) {
    if (option.name() == "learning_rate") rate = option.value().float_value();
  }
  EXPECT_EQ(rate, 0.5);
  request.mutable_parameters(0)->set_name("learning_rat");
  Call(*studies_, &Stub::EnqueueTrial, request);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StudyServiceTest, TrialIsCancelledAndRetried) {
  const v1::Lease lease = LeaseOf("s", 2);
  v1::ChangeTrialRequest request;
  request.set_study("s");
  request.set_number(0);
  EXPECT_EQ(Call(*studies_, &Stub::CancelTrial, request).state(), v1::TRIAL_STATE_CANCELLED);
  Finish(lease.ref(), v1::ATTEMPT_OUTCOME_FAILED);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION) << "a stale token";
  EXPECT_EQ(Call(*studies_, &Stub::RetryTrial, request).state(), v1::TRIAL_STATE_WAITING);
  Call(*studies_, &Stub::RetryTrial, request);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  request.set_number(17);
  Call(*studies_, &Stub::CancelTrial, request);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StudyServiceTest, CurveBestAndDetailShowWhatWasReported) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  v1::ReportRequest request = TestStream::Hello("w");
  for (int step = 1; step <= 3; ++step) TestStream::AddReport(request, lease.ref(), step, 1.0 / step);
  ASSERT_TRUE(stream.Write(request));
  stream.ReadUntil(1);
  v1::FinishRequest finish;
  *finish.mutable_lease() = lease.ref();
  finish.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
  v1::Metric& metric = *finish.add_final_metrics();
  metric.set_name("test_accuracy");
  metric.set_value(0.9);
  EXPECT_EQ(Call(*workers_, &v1::WorkerService::Stub::Finish, finish).trial_state(), v1::TRIAL_STATE_COMPLETED);

  v1::GetCurveRequest get_curve;
  get_curve.set_study("s");
  get_curve.set_max_points(2);
  const v1::Curve curve = Call(*studies_, &Stub::GetCurve, get_curve);
  ASSERT_EQ(curve.metrics_size(), 1);
  EXPECT_THAT(curve.metrics(0).steps(), ElementsAre(1, 3));
  get_curve.set_max_points(1);
  Call(*studies_, &Stub::GetCurve, get_curve);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);

  v1::GetBestTrialsRequest best;
  best.set_study("s");
  const auto ranked = Call(*studies_, &Stub::GetBestTrials, best);
  ASSERT_EQ(ranked.trials_size(), 1);
  EXPECT_EQ(ranked.trials(0).best_step(), 3);
  ASSERT_EQ(ranked.trials(0).final_metrics_size(), 1);
  EXPECT_EQ(ranked.trials(0).final_metrics(0).value().float_value(), 0.9);

  v1::GetTrialRequest get_trial;
  get_trial.set_study("s");
  const v1::TrialDetail detail = Call(*studies_, &Stub::GetTrial, get_trial);
  ASSERT_EQ(detail.attempts_size(), 1);
  EXPECT_EQ(detail.attempts(0).outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  EXPECT_EQ(detail.attempts(0).worker(), "w");
  EXPECT_EQ(detail.last().step(), 3);
  EXPECT_EQ(Get("s").state(), v1::STUDY_STATE_COMPLETED);
  EXPECT_EQ(Get("s").best().number(), 0);
}

TEST_F(StudyServiceTest, PlanTellsGridAndCostAndStoresNothing) {
  StudySpec spec = SmallStudySpec("planned");
  Parameter batch = MakeParameter("batch_size", ParameterType::kInt, 16, 64);
  batch.step = 16;
  spec.parameters = {batch};
  spec.search.method = "grid";
  spec.trainer = {{"epochs", Value(int64_t{3})}};
  v1::PlanStudyRequest request;
  *request.mutable_spec() = ToProto(spec);
  const v1::StudyPlan plan = Call(*studies_, &Stub::PlanStudy, request);
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(plan.grid_size(), 4);
  EXPECT_EQ(plan.trials(), 4);
  EXPECT_EQ(plan.resource_without_stopping(), 12);
  ASSERT_EQ(plan.sample_size(), 4);
  EXPECT_EQ(plan.sample(3).parameters(0).value().int_value(), 64);
  Get("planned");
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  request.mutable_spec()->mutable_search()->set_method("guess");
  Call(*studies_, &Stub::PlanStudy, request);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StudyServiceTest, WorkersAreListedInOrderOfNameAndDrained) {
  for (const char* name : {"b", "c", "a"}) Register(name);
  v1::ListWorkersRequest request;
  request.set_page_size(2);
  const auto first = Call(*admin_, &v1::AdminService::Stub::ListWorkers, request);
  ASSERT_EQ(first.workers_size(), 2);
  EXPECT_EQ(first.workers(1).name(), "b");
  request.set_page_token(first.next_page_token());
  const auto second = Call(*admin_, &v1::AdminService::Stub::ListWorkers, request);
  ASSERT_EQ(second.workers_size(), 1);
  EXPECT_EQ(second.workers(0).name(), "c");
  EXPECT_EQ(second.workers(0).state(), v1::WORKER_STATE_ONLINE);
  v1::ChangeWorkerRequest change;
  change.set_name("c");
  change.set_request_id("drain-1");
  EXPECT_EQ(Call(*admin_, &v1::AdminService::Stub::DrainWorker, change).state(), v1::WORKER_STATE_DRAINING);
  EXPECT_EQ(Call(*admin_, &v1::AdminService::Stub::DrainWorker, change).state(), v1::WORKER_STATE_DRAINING);
  Call(*admin_, &v1::AdminService::Stub::EnableWorker, change);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT) << "the id belongs to a drain";
  change.set_request_id("");
  EXPECT_EQ(Call(*admin_, &v1::AdminService::Stub::EnableWorker, change).state(), v1::WORKER_STATE_ONLINE);
  change.set_name("nobody");
  Call(*admin_, &v1::AdminService::Stub::DrainWorker, change);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StudyServiceTest, ServerStatusCounts) {
  LeaseOf("s", 3);
  const auto status = Call(*admin_, &v1::AdminService::Stub::GetServerStatus, v1::GetServerStatusRequest());
  EXPECT_EQ(status.version(), "test");
  EXPECT_EQ(status.studies(), 1);
  EXPECT_EQ(status.active_studies(), 1);
  EXPECT_EQ(status.trials(), 1);
  EXPECT_EQ(status.running_trials(), 1);
  EXPECT_EQ(status.workers_online(), 1);
  EXPECT_GE(status.commits(), 3);
}

TEST(PageTokens, AreBoundToTheirList) {
  const std::string one = std::string(64, 'a'), other = std::string(64, 'b');
  EXPECT_EQ(*ReadPosition(MakePageToken(int64_t{17}, one), one), 17);
  EXPECT_FALSE(ReadPosition(MakePageToken(int64_t{17}, one), other).ok());
  EXPECT_FALSE(ReadPosition(MakePageToken(int64_t{-1}, one), one).ok());
  EXPECT_FALSE(ReadPosition("", one).ok());
  EXPECT_FALSE(ReadPosition("AAAA", one).ok());
  EXPECT_EQ(*PageSize(0), 100);
  EXPECT_EQ(*PageSize(1000), 1000);
  EXPECT_EQ(*PageSize(1001), 1000);
  EXPECT_FALSE(PageSize(-1).ok());
}

}  // namespace
}  // namespace athanor::testing
