// The verbs that change a study while it runs, and those that tell how it went.
#include "tests/client/cli_fixture.h"

namespace athanor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(CliTest, UpdateNamesWhatChangesAndNothingElse) {
  EXPECT_EQ(Run({"study", "update", "quick", "--trials", "200", "--wall-clock", "2h", "--priority", "-3"}).out,
            "study quick is ACTIVE\n");
  v1::UpdateStudyRequest request = coordinator_.updated();
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("budget.trials", "budget.wall_clock_ms", "priority"));
  EXPECT_EQ(request.budget().trials(), 200);
  EXPECT_EQ(request.budget().wall_clock_ms(), 7'200'000);
  EXPECT_EQ(request.priority(), -3);
  EXPECT_FALSE(request.request_id().empty());

  EXPECT_EQ(
      Run({"study", "update", "quick", "--target", "none", "--parallel", "none", "--max-failures", "4"}).exit_code,
      kOk);
  request = coordinator_.updated();
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("budget.parallel", "budget.max_failures", "budget.target"));
  EXPECT_FALSE(request.budget().has_target());
  EXPECT_EQ(request.budget().parallel(), 0);
  EXPECT_EQ(request.budget().max_failures(), 4);
}

TEST_F(CliTest, UpdateRefusesWhatIsNoLimit) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--trials", "many"}, "--trials: \"many\" is no limit; want an int or none"},
      {{"--trials", "1.5"}, "--trials: \"1.5\" is no limit"},
      {{"--parallel", "x"}, "--parallel: \"x\" is no limit"},
      {{"--wall-clock", "2"}, "--wall-clock: \"2\" is no limit; want a duration such as 90m or 2h or none"},
      {{"--max-failures", "[1]"}, "--max-failures: \"[1]\" is no limit"},
      {{"--target", "high"}, "--target: \"high\" is no limit; want a number or none"},
      {{}, "nothing to change; want some of --trials"},
  };
  for (const auto& [options, message] : cases) {
    std::vector<std::string> arguments = {"study", "update", "quick"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, kBadInput);
    EXPECT_THAT(outcome.err, HasSubstr(message));
  }
  EXPECT_THAT(coordinator_.seen(), IsEmpty());
}

TEST_F(CliTest, ShowSaysHowManyTrialsWereTakenFromWhere) {
  coordinator_.study.mutable_spec()->add_warm_start("earlier");
  v1::WarmStartSource& source = *coordinator_.study.add_warm_start();
  source.set_study("earlier");
  source.set_trials(12);
  const Outcome outcome = Run({"study", "show", "quick"});
  EXPECT_THAT(outcome.out, HasSubstr("starts from 12 of the trials of earlier\n"));
  EXPECT_THAT(outcome.out, HasSubstr("warm_start:\n  - earlier\n"));
  EXPECT_THAT(Run({"study", "show", "quick", "-o", "json"}).out,
              HasSubstr("\"study\": \"earlier\",\n      \"trials\": 12"));
}

TEST_F(CliTest, SubmitReadsWhatAStudyStartsFromAndPointsAtWhatIsRefused) {
  const std::string file = WriteFile(
      "name: next\n"
      "objective: {metric: accuracy, goal: maximize}\n"
      "parameters: {lr: {type: float, min: 0.1, max: 1}}\n"
      "warm_start:\n"
      "  - earlier\n"
      "  - next\n");
  EXPECT_EQ(Run({"study", "submit", file}).exit_code, kOk);
  EXPECT_THAT(coordinator_.created().warm_start(), ElementsAre("earlier", "next"));
  coordinator_.create_status =
      grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "warm_start[1]: \"next\" is this study itself");
  EXPECT_THAT(Run({"study", "submit", file}).err,
              HasSubstr("cli_test_study.yaml:6: warm_start[1]: \"next\" is this study itself"));
  const std::string wrong = WriteFile(
      "name: next\n"
      "objective: {metric: accuracy, goal: maximize}\n"
      "parameters: {lr: {type: float, min: 0.1, max: 1}}\n"
      "warm_start: earlier\n");
  const Outcome outcome = Run({"study", "submit", wrong});
  EXPECT_EQ(outcome.exit_code, kBadInput);
  EXPECT_THAT(outcome.err, HasSubstr("cli_test_study.yaml:4: warm_start: "));
}

class ProgressTest : public CliTest {
 protected:
  ProgressTest() {
    coordinator_.curve = Parse<v1::Curve>(R"pb(metrics {
                                                 metric: "accuracy"
                                                 steps: [ 1, 3 ]
                                                 values: [ 0.5, 0.9 ]
                                                 elapsed_ms: [ 10000, 30000 ]
                                               })pb");
    coordinator_.trials.resize(1);
    coordinator_.trials[0].set_started_unix_ms(coordinator_.study.created_unix_ms() + 5000);
  }
};

TEST_F(ProgressTest, IsARowForEachImprovement) {
  EXPECT_EQ(Run({"study", "progress", "quick", "-o", "csv"}).out,
            "trials,epochs,seconds,best,trial,step\r\n"
            "1,1,15.0,0.5,0,1\r\n"
            "1,3,35.0,0.9,0,3\r\n");
  EXPECT_EQ(Run({"study", "progress", "quick"}).out,
            "TRIALS  EPOCHS  TIME    BEST  TRIAL  STEP\n"
            "     1       1   15s  0.5000      0     1\n"
            "     1       3   35s  0.9000      0     3\n");
}

TEST_F(ProgressTest, EndsWithWhatWasSpentAfterTheBest) {
  coordinator_.curve.mutable_metrics(0)->add_steps(9);
  coordinator_.curve.mutable_metrics(0)->add_values(0.4);
  coordinator_.curve.mutable_metrics(0)->add_elapsed_ms(90'000);
  EXPECT_EQ(Run({"study", "progress", "quick", "-o", "csv"}).out,
            "trials,epochs,seconds,best,trial,step\r\n"
            "1,1,15.0,0.5,0,1\r\n"
            "1,3,35.0,0.9,0,3\r\n"
            "1,9,95.0,0.9,0,3\r\n");
}

TEST_F(ProgressTest, StudyWithoutAValueHasNone) {
  coordinator_.trials.clear();
  EXPECT_EQ(Run({"study", "progress", "quick"}).out, "no value yet\n");
  EXPECT_EQ(Run({"study", "progress", "nope"}).exit_code, kFailed);
}

TEST_F(ProgressTest, CompareSetsTwoStudiesSideBySide) {
  const std::string text = Run({"study", "compare", "quick", "3"}).out;
  EXPECT_THAT(text, HasSubstr("best accuracy"));
  EXPECT_THAT(text, HasSubstr("0.9000 (trial 0, step 3)"));
  EXPECT_THAT(text, HasSubstr("1 trials, 3 epochs, 35s"));
  const Outcome csv = Run({"study", "compare", "quick", "3", "-o", "csv"});
  EXPECT_THAT(csv.out, HasSubstr("study,state,search,stopping,trials,epochs,seconds,best.value,best.trial,best.step,"));
  EXPECT_THAT(csv.out, HasSubstr("as_good_as_the_other.epochs"));
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 3);
  EXPECT_EQ(Run({"study", "compare", "quick", "3", "-q"}).out, "quick\nquick\n");
}

TEST_F(ProgressTest, CompareWantsTwoStudies) {
  EXPECT_EQ(Run({"study", "compare", "quick"}).exit_code, kBadInput);
  EXPECT_EQ(Run({"study", "compare", "quick", "nope"}).err, "athanor: study \"nope\" does not exist\n");
}

}  // namespace
}  // namespace athanor::cli
