// What a study teaches about its parameters, over the wire.
#include <gmock/gmock.h>

#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::HasSubstr;
using Stub = v1::StudyService::Stub;

class InsightTest : public RpcFixture {
 protected:
  v1::Importance Importance(const std::string& study,
                            v1::GetImportanceRequest::Method method = v1::GetImportanceRequest::METHOD_UNSPECIFIED) {
    v1::GetImportanceRequest request;
    request.set_study(study);
    request.set_method(method);
    return Call(*studies_, &Stub::GetImportance, request);
  }

  // Trains `trials` trials of a new study one after the other, whose loss at a step is learning_rate / step.
  void Train(const std::string& name, int64_t trials, EarlyStoppingOptions stopping) {
    StudySpec spec = SmallStudySpec(name);
    spec.budget.trials = trials + 1;
    spec.parameters = {MakeParameter("dropout", ParameterType::kFloat, 0, 0.5),
                       MakeParameter("learning_rate", ParameterType::kFloat, 0.001, 1)};
    spec.trainer = {{"epochs", Value(int64_t{3})}};
    spec.early_stopping = std::move(stopping);
    Create(ToProto(spec));
    ASSERT_TRUE(status_.ok()) << status_.error_message();
    Register("w");
    for (int64_t i = 0; i < trials; ++i) TrainOne();
  }

 private:
  void TrainOne() {
    const auto leases = Acquire("w", ++sequence_);
    ASSERT_EQ(leases.size(), 1u);
    double rate = 0;
    for (const v1::NamedValue& value : leases[0].options()) {
      if (value.name() == "learning_rate") rate = value.value().float_value();
    }
    TestStream stream(*workers_);
    bool pruned = false;
    for (int64_t step = 1; step <= 3 && !pruned; ++step) {
      const auto sequence = static_cast<uint64_t>(step);
      v1::ReportRequest request = step == 1 ? TestStream::Hello("w") : TestStream::Next(sequence);
      TestStream::AddReport(request, leases[0].ref(), step, rate / static_cast<double>(step));
      ASSERT_TRUE(stream.Write(request));
      const v1::ReportResponse response = stream.ReadUntil(sequence);
      for (const v1::Verdict& verdict : response.verdicts()) pruned |= verdict.action() == v1::ACTION_PRUNE;
    }
    stream.WritesDone();
    if (pruned) return;
    Finish(leases[0].ref(), v1::ATTEMPT_OUTCOME_COMPLETED);
    ASSERT_TRUE(status_.ok()) << status_.error_message();
  }
};

TEST_F(InsightTest, ComparesBestValuesWhereNothingWasStopped) {
  Train("whole", 24, NoStopping{});
  for (const auto method : {v1::GetImportanceRequest::METHOD_PED_ANOVA, v1::GetImportanceRequest::METHOD_FANOVA}) {
    const v1::Importance importance = Importance("whole", method);
    ASSERT_TRUE(status_.ok()) << status_.error_message();
    ASSERT_EQ(importance.entries_size(), 2);
    EXPECT_EQ(importance.entries(0).parameter(), "learning_rate");
    EXPECT_EQ(importance.entries(1).parameter(), "dropout");
    EXPECT_GT(importance.entries(0).importance(), 2 * importance.entries(1).importance());
    EXPECT_EQ(importance.trials(), 24);
    EXPECT_EQ(importance.step(), 0);
  }
}

TEST_F(InsightTest, ComparesStoppedTrialsAtTheRungThatAllReached) {
  AshaStopping stopping;
  stopping.max_resource = 3;
  Train("stopped", 24, stopping);
  const v1::Importance importance = Importance("stopped");
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(importance.step(), 1);
  EXPECT_EQ(importance.trials(), 24);
  ASSERT_EQ(importance.entries_size(), 2);
  EXPECT_EQ(importance.entries(0).parameter(), "learning_rate");
}

TEST_F(InsightTest, RefusesTooFewTrialsUnknownStudiesAndUnknownMethods) {
  Train("young", 3, NoStopping{});
  Importance("young");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status_.error_message(), HasSubstr("young has 3 ended trials to learn from; want 4"));
  Importance("nobody");
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  Importance("young", static_cast<v1::GetImportanceRequest::Method>(9));
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace athanor::testing
