#include "client/cli/cli.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cli_fixture.h"

namespace athanor::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kStudyFile[] =
    "name: quick\n"
    "objective: {metric: accuracy, goal: maximize}\n"
    "parameters:\n"
    "  lr: {type: float, min: 0.1, max: 1}\n";

TEST_F(CliTest, BadUsageIsTwoWithOneLineOnStderr) {
  const struct {
    std::vector<std::string> arguments;
    const char* want;
  } kCases[] = {
      {{}, "athanor: A subcommand is required (try --help)\n"},
      {{"study"}, "athanor: A subcommand is required (try --help)\n"},
      {{"study", "lst"}, "athanor: unknown word \"lst\"; did you mean \"list\"? (try --help)\n"},
      {{"study", "show"}, "athanor: study is required (try --help)\n"},
      {{"study", "list", "--outptu", "json"}, "athanor: unknown word \"--outptu\" (try --help)\n"},
      {{"study", "list", "--output", "xml"}, "athanor: --output: xml not in {table,json,yaml,csv} (try --help)\n"},
      {{"trial", "show", "quick", "-1"}, "athanor: number: \"-1\" is no trial; want a number from 0 (try --help)\n"},
      {{"trial", "list", "quick", "--where", "lr"}, "athanor: \"lr\" is not of the form NAME=VALUE\n"},
      {{"study", "delete", "quick"}, "athanor: this cannot be undone; give --yes to do it without being asked\n"},
  };
  for (const auto& test : kCases) {
    const Outcome outcome = Run(test.arguments);
    EXPECT_EQ(outcome.exit_code, kBadInput) << test.want;
    EXPECT_EQ(outcome.err, test.want);
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(CliTest, EveryVerbHasHelpWithAnExample) {
  const std::vector<std::vector<std::string>> kVerbs = {{"study", "submit"},  {"study", "list"},
                                                        {"study", "show"},    {"study", "watch"},
                                                        {"study", "pause"},   {"study", "resume"},
                                                        {"study", "cancel"},  {"study", "delete"},
                                                        {"study", "update"},  {"study", "progress"},
                                                        {"study", "compare"}, {"study", "importance"},
                                                        {"study", "gc"},      {"study", "export"},
                                                        {"trial", "list"},    {"trial", "show"},
                                                        {"trial", "curve"},   {"trial", "logs"},
                                                        {"trial", "retry"},   {"trial", "cancel"},
                                                        {"trial", "enqueue"}, {"best"},
                                                        {"worker", "list"},   {"worker", "drain"},
                                                        {"worker", "enable"}, {"server", "status"},
                                                        {"simulate"}};
  for (std::vector<std::string> verb : kVerbs) {
    std::string words = "athanor";
    for (const std::string& word : verb) words += " " + word;
    verb.push_back("--help");
    const Outcome outcome = Run(verb);
    EXPECT_EQ(outcome.exit_code, kOk) << words;
    EXPECT_THAT(outcome.out, HasSubstr("Example:\n  " + words)) << words;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(CliTest, AnUnreachableCoordinatorIsThree) {
  std::string gone;
  {
    testing::FakeCoordinator other;
    gone = other.address();
  }
  const Outcome outcome = Run({"study", "list", "--coordinator", gone});
  EXPECT_EQ(outcome.exit_code, kUnreachable);
  EXPECT_THAT(outcome.err, StartsWith("athanor: coordinator " + gone + " is not available: "));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
}

TEST_F(CliTest, AFailedOperationIsOne) {
  const Outcome outcome = Run({"study", "show", "nope"});
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_EQ(outcome.err, "athanor: study \"nope\" does not exist\n");
}

TEST_F(CliTest, SubmitSendsTheFileAndTellsTheId) {
  const std::string file = WriteFile(kStudyFile);
  const Outcome outcome = Run({"study", "submit", file});
  EXPECT_EQ(outcome.exit_code, kOk) << outcome.err;
  EXPECT_EQ(outcome.out, "submitted study quick (id 3): 12 trials\nfollow it with: athanor study watch quick\n");
  EXPECT_EQ(coordinator_.created().name(), "quick");
  EXPECT_EQ(coordinator_.created().owner(), "ann");
  EXPECT_EQ(Run({"study", "submit", file, "--quiet"}).out, "3\n");
  EXPECT_EQ(Run({"study", "submit", "-"}, kStudyFile).exit_code, kOk);
}

TEST_F(CliTest, ARefusedStudyFileIsTwoAndPointsAtTheLine) {
  Outcome outcome = Run({"study", "submit", "-"}, std::string(kStudyFile) + "budgte: {}\n");
  EXPECT_EQ(outcome.exit_code, kBadInput);
  EXPECT_EQ(outcome.err, "athanor: stdin:5: budgte: unknown key; did you mean \"budget\"?\n");
  EXPECT_TRUE(coordinator_.seen().empty());

  coordinator_.create_status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "parameters.lr.max: 1 is odd");
  outcome = Run({"study", "submit", "-"}, kStudyFile);
  EXPECT_EQ(outcome.exit_code, kBadInput);
  EXPECT_EQ(outcome.err, "athanor: stdin:4: parameters.lr.max: 1 is odd\n");

  outcome = Run({"study", "submit", "/nonexistent.yaml"});
  EXPECT_EQ(outcome.exit_code, kBadInput);
  EXPECT_EQ(outcome.err, "athanor: /nonexistent.yaml: cannot be opened: No such file or directory\n");
}

TEST_F(CliTest, DryRunPrintsThePlanAndSubmitsNothing) {
  coordinator_.plan = Parse<v1::StudyPlan>(R"pb(
    trials: 12
    max_resource: 3
    resource_at_most: 22
    resource_without_stopping: 36
    rungs { step: 1 trials_at_most: 12 }
    rungs { step: 3 trials_at_most: 5 }
    notes: "no worker can run it now"
    sample {
      number: 0
      parameters {
        name: "lr"
        value { float_value: 0.25 }
      }
    }
    sample {
      number: 1
      parameters {
        name: "lr"
        value { float_value: 0.5 }
      }
    }
  )pb");
  *coordinator_.plan.mutable_spec() = coordinator_.study.spec();
  const Outcome outcome = Run({"study", "submit", "-", "--dry-run"}, kStudyFile);
  EXPECT_EQ(outcome.exit_code, kOk) << outcome.err;
  EXPECT_EQ(outcome.out,
            "study     quick (nothing was submitted)\n"
            "search    random, seed 42\n"
            "stopping  asha 1 to 3, factor 3\n"
            "trials    12, each of 3 epochs at most\n"
            "total     22 epochs at most, against 36 without early stopping (61% of it)\n"
            "note      no worker can run it now\n"
            "\n"
            "RUNG  STEP  TRIALS AT MOST\n"
            "   0     1              12\n"
            "   1     3               5\n"
            "\n"
            "TRIAL  FIRST CONFIGURATIONS\n"
            "    0  lr=0.25\n"
            "    1  lr=0.5\n");
  EXPECT_TRUE(coordinator_.seen().empty());
}

TEST_F(CliTest, StudyListInEveryFormat) {
  EXPECT_EQ(Run({"study", "list"}).out,
            "ID  NAME   STATE   TRIALS  METRIC      BEST    AGE  OWNER\n"
            " 3  quick  ACTIVE    3/12  accuracy  0.9000  2m31s  ann\n");
  EXPECT_EQ(Run({"study", "list", "--quiet"}).out, "3\n");
  EXPECT_THAT(Run({"study", "list", "-o", "json"}).out, HasSubstr("\"name\": \"quick\""));
  EXPECT_THAT(Run({"study", "list", "-o", "yaml"}).out, StartsWith("- id: 3\n  name: quick\n  state: ACTIVE\n"));
  EXPECT_THAT(Run({"study", "list", "-o", "csv"}).out, StartsWith("id,name,state,reason,owner,"));
}

TEST_F(CliTest, StudyShowEndsWithTheStudyFile) {
  const Outcome outcome = Run({"study", "show", "quick"});
  EXPECT_THAT(outcome.out, StartsWith("quick  (id 3)  ACTIVE\n"));
  EXPECT_THAT(outcome.out, HasSubstr("trials      3/12, 1 completed, 2 pruned, 1 waiting\n"));
  EXPECT_THAT(outcome.out, HasSubstr("best        0.9000 at step 3 (trial 0, completed)\n"));
  EXPECT_THAT(outcome.out, HasSubstr("study file\nname: quick\n"));
}

TEST_F(CliTest, TrialListShowsParametersAsColumns) {
  EXPECT_EQ(Run({"trial", "list", "quick"}).out,
            "TRIAL  ACCURACY  STEP  ENDED                        LR  OPT  TRAINED\n"
            "    0    0.9000     3  completed                  0.25  sgd      42s\n"
            "    1       nan     1  pruned at rung 0 (step 1)   0.5\n"
            "    2                  waiting\n");
  EXPECT_EQ(Run({"trial", "list", "quick", "-q"}).out, "0\n1\n2\n");
  const std::string json = Run({"trial", "list", "quick", "-o", "json"}).out;
  EXPECT_THAT(json, HasSubstr("\"best_value\": \"NaN\""));
  EXPECT_THAT(json, HasSubstr("\"seed\": \"18446744073709551615\""));
  EXPECT_EQ(Run({"trial", "list", "quick", "--limit", "2"}).out.substr(0, 5), "TRIAL");
  EXPECT_THAT(Run({"trial", "list", "quick", "--limit", "2"}).out, EndsWith("(the first 2; --limit for more)\n"));
}

TEST_F(CliTest, TrialShowHasItsAttemptsAndDecisions) {
  coordinator_.detail = Parse<v1::TrialDetail>(R"pb(
    attempts {
      token: 9
      worker: "box-0"
      started_unix_ms: 999999990000
      ended_unix_ms: 999999999000
      outcome: ATTEMPT_OUTCOME_COMPLETED
      resumed_step: 1
      environment { device: "cpu" }
    }
    decisions { step: 1 rule: "asha" rung: 0 value: 0.5 bound: 0.25 n: 4 action: ACTION_PAUSE }
    decisions { step: 3 rule: "asha" rung: 1 value: 0.9 bound: nan n: 1 action: ACTION_CONTINUE }
    last {
      step: 3
      metrics { name: "accuracy" value: 0.89 }
      metrics { name: "a_metric_with_a_long_name" value: nan }
    }
  )pb");
  EXPECT_EQ(Run({"trial", "show", "quick", "0"}).out,
            "trial 0 of quick  COMPLETED\n"
            "ended         completed\n"
            "parameters    lr=0.25 opt=sgd\n"
            "best          0.9000 at step 3\n"
            "final         0.8900 at step 3\n"
            "accuracy      0.8900 at step 3\n"
            "a_metric_with_a_long_name nan at step 3\n"
            "trained for   42s\n"
            "seed          18446744073709551615\n"
            "\n"
            "TOKEN  WORKER  DEVICE  STARTED               TOOK  FROM STEP  OUTCOME\n"
            "    9  box-0   cpu     2001-09-09 01:46:30Z  9.0s          1  COMPLETED\n"
            "\n"
            "STEP  RUNG  RULE   VALUE   BOUND  OF  DECISION\n"
            "   1     0  asha  0.5000  0.2500   4  PAUSE\n"
            "   3     1  asha  0.9000           1  CONTINUE\n");
  EXPECT_THAT(Run({"trial", "show", "quick", "0", "-o", "json"}).out, HasSubstr("\"bound\": \"NaN\""));
  EXPECT_EQ(Run({"trial", "show", "quick", "99"}).exit_code, kFailed);
}

TEST_F(CliTest, TrialListSendsItsFilter) {
  ASSERT_EQ(Run({"trial", "list", "quick", "--state", "pruned,FAILED", "--where", "lr=0.5", "--order", "best",
                 "--min-value", "0.1", "--worker", "w"})
                .exit_code,
            kOk);
  const v1::ListTrialsRequest request = coordinator_.last_list();
  EXPECT_EQ(request.filter().DebugString(), Parse<v1::TrialFilter>(R"pb(
                                              states: [ TRIAL_STATE_PRUNED, TRIAL_STATE_FAILED ]
                                              parameters {
                                                name: "lr"
                                                value { float_value: 0.5 }
                                              }
                                              min_best_value: 0.1
                                              worker: "w"
                                            )pb")
                                                .DebugString());
  EXPECT_EQ(request.order(), v1::TRIAL_ORDER_BEST);
}

TEST_F(CliTest, BestShowsTheConfiguration) {
  EXPECT_EQ(Run({"best", "quick"}).out,
            "accuracy 0.9000 at step 3, trial 0 (completed)\n"
            "  lr   0.25\n"
            "  opt  sgd\n");
  EXPECT_EQ(Run({"best", "3", "--quiet"}).out, "0\n");
  EXPECT_THAT(Run({"best", "quick", "--top", "2"}).out, StartsWith("TRIAL  ACCURACY"));
  coordinator_.trials.clear();
  const Outcome outcome = Run({"best", "quick"});
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_EQ(outcome.err, "athanor: study quick has no trial with a value yet\n");
}

TEST_F(CliTest, CurveDrawsEachMetricAndExportsEveryPoint) {
  coordinator_.curve = Parse<v1::Curve>(R"pb(metrics {
                                               metric: "accuracy"
                                               steps: [ 1, 2, 3 ]
                                               values: [ 0.5, nan, 0.9 ]
                                               elapsed_ms: [ 10, 20, 30 ]
                                             })pb");
  EXPECT_EQ(Run({"trial", "curve", "quick", "0"}).out,
            "METRIC    POINTS  STEPS   FIRST   LEAST  GREATEST    LAST  CURVE\n"
            "accuracy       3    1-3  0.5000  0.5000    0.9000  0.9000  ▁×█\n");
  EXPECT_EQ(Run({"trial", "curve", "quick", "0", "-o", "csv"}).out,
            "number,metric,step,value,elapsed_ms\r\n"
            "0,accuracy,1,0.5,10\r\n"
            "0,accuracy,2,nan,20\r\n"
            "0,accuracy,3,0.9,30\r\n");
}

TEST_F(CliTest, ExportWritesAllPagesToAFile) {
  const std::string path = ::testing::TempDir() + "cli_test_export.csv";
  EXPECT_EQ(Run({"study", "export", "quick", "--file", path}).exit_code, kOk);
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, StartsWith("number,state,parameters.lr,parameters.opt,best_value,"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_EQ(Run({"study", "export", "quick", "--file", "/nonexistent/x"}).err,
            "athanor: /nonexistent/x cannot be opened for writing\n");
}

TEST_F(CliTest, ChangesNameWhatTheyChanged) {
  EXPECT_EQ(Run({"study", "pause", "quick"}).out, "study quick is ACTIVE\n");
  EXPECT_EQ(Run({"trial", "retry", "quick", "7"}).out, "trial 7 of quick is WAITING\n");
  EXPECT_EQ(Run({"trial", "cancel", "quick", "7"}).out, "trial 7 of quick is CANCELLED\n");
  EXPECT_EQ(Run({"worker", "drain", "box-0"}).out, "worker box-0 is DRAINING\n");
  EXPECT_EQ(Run({"worker", "enable", "box-0"}).out, "worker box-0 is ONLINE\n");
  EXPECT_EQ(Run({"trial", "enqueue", "quick", "opt=sgd", "lr=1", "x='1'"}).out, "queued in quick: 2 before it\n");
  const v1::EnqueueTrialRequest enqueued = coordinator_.enqueued();
  ASSERT_EQ(enqueued.parameters_size(), 3);
  EXPECT_EQ(enqueued.parameters(0).value().string_value(), "sgd");
  EXPECT_EQ(enqueued.parameters(1).value().int_value(), 1);
  EXPECT_EQ(enqueued.parameters(2).value().string_value(), "1");
  std::vector<std::string> methods;
  for (const testing::SeenCall& call : coordinator_.seen()) {
    EXPECT_FALSE(call.request_id.empty()) << call.method;
    methods.push_back(call.method + " " + call.target);
  }
  EXPECT_THAT(methods, ::testing::ElementsAre("PauseStudy quick", "RetryTrial quick/7", "CancelTrial quick/7",
                                              "DrainWorker box-0", "EnableWorker box-0", "EnqueueTrial quick"));
}

TEST_F(CliTest, DeleteAsksOnATerminal) {
  in_is_terminal_ = true;
  Outcome outcome = Run({"study", "delete", "quick"}, "n\n");
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("athanor: study quick was not deleted\n"));
  EXPECT_TRUE(coordinator_.seen().empty());
  EXPECT_EQ(Run({"study", "delete", "quick"}, "y\n").out, "deleted study quick\n");
  in_is_terminal_ = false;
  EXPECT_EQ(Run({"study", "delete", "quick", "--yes"}).exit_code, kOk);
  EXPECT_EQ(coordinator_.seen().size(), 2u);
}

TEST_F(CliTest, WatchWithoutATerminalIsALinePerEvent) {
  v1::StudySnapshot last;
  *last.mutable_study() = coordinator_.study;
  last.mutable_study()->set_state(v1::STUDY_STATE_COMPLETED);
  last.mutable_study()->clear_trial_counts();
  v1::Decision* decision = last.add_decisions();
  decision->set_trial_number(5);
  decision->set_step(1);
  decision->set_rung(0);
  decision->set_rule("asha_stopping");
  decision->set_value(0.25);
  decision->set_action(v1::ACTION_PRUNE);
  coordinator_.streams = {{{last}, grpc::Status::OK}, {{last}, grpc::Status::OK}, {{last}, grpc::Status::OK}};
  const Outcome outcome = Run({"study", "watch", "quick"});
  EXPECT_EQ(outcome.exit_code, kOk) << outcome.err;
  EXPECT_EQ(outcome.out,
            "2001-09-09 01:46:40Z trial 5 pruned at rung 0: accuracy 0.2500 at step 1 (by asha_stopping)\n"
            "2001-09-09 01:46:40Z study quick completed: best 0.9000 at step 3, trial 0\n");
  EXPECT_EQ(
      Run({"study", "watch", "quick", "-o", "json"}).out,
      "{\"event\":\"pruned\",\"trial\":5,\"rung\":0,\"step\":1,\"value\":0.25,\"detail\":\"by asha_stopping\"}\n");
  EXPECT_EQ(Run({"study", "watch", "quick", "-q"}).out, "5\n");
}

TEST_F(CliTest, WatchOnATerminalRedrawsAndRestoresTheCursor) {
  v1::StudySnapshot last;
  *last.mutable_study() = coordinator_.study;
  last.mutable_study()->set_state(v1::STUDY_STATE_COMPLETED);
  coordinator_.streams = {{{last}, grpc::Status::OK}};
  out_is_terminal_ = true;
  const Outcome outcome = Run({"study", "watch", "quick"});
  EXPECT_EQ(outcome.exit_code, kOk) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("\x1b[?25l"));
  EXPECT_THAT(outcome.out, EndsWith("\x1b[?25h"));
  EXPECT_THAT(outcome.out, HasSubstr("\x1b[1mquick\x1b[0m  \x1b[32mCOMPLETED\x1b[0m"));
}

TEST_F(CliTest, WatchOfAStudyThatFailsOrIsUnknownIsOne) {
  v1::StudySnapshot last;
  *last.mutable_study() = coordinator_.study;
  last.mutable_study()->clear_trial_counts();
  last.mutable_study()->set_state(v1::STUDY_STATE_FAILED);
  last.mutable_study()->set_reason("10 trials FAILED");
  coordinator_.streams = {{{last}, grpc::Status::OK}};
  Outcome outcome = Run({"study", "watch", "quick"});
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_EQ(outcome.err, "athanor: study quick is FAILED: 10 trials FAILED\n");
  out_is_terminal_ = true;
  outcome = Run({"study", "watch", "nope"});
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "athanor: study \"nope\" does not exist\n");
}

TEST_F(CliTest, ColourOnlyOnATerminalAndNeverWithNoColor) {
  EXPECT_THAT(Run({"study", "list"}).out, Not(HasSubstr("\x1b")));
  out_is_terminal_ = true;
  EXPECT_THAT(Run({"study", "list"}).out, HasSubstr("\x1b[36mACTIVE\x1b[0m"));
  EXPECT_THAT(Run({"study", "list", "-o", "json"}).out, Not(HasSubstr("\x1b")));
  variables_["NO_COLOR"] = "1";
  EXPECT_THAT(Run({"study", "list"}).out, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace athanor::cli
