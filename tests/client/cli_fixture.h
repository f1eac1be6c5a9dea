// The client as tests run it: a coordinator with one study of three trials, a clock that stands still, no terminal
// unless a test says so.
#pragma once

#include <google/protobuf/text_format.h>

#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "client/cli/cli.h"
#include "gtest/gtest.h"
#include "tests/client/fake_coordinator.h"

namespace athanor::cli {

// 2001-09-09 01:46:40Z.
class FixedClock final : public Clock {
 public:
  Now Read() const override {
    return {.monotonic = {}, .wall = WallTime(std::chrono::milliseconds(1'000'000'000'000))};
  }
};

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    coordinator_.study = Parse<v1::Study>(R"pb(
      id: 3
      spec {
        name: "quick"
        owner: "ann"
        objectives { metric: "accuracy" goal: GOAL_MAXIMIZE }
        parameters {
          name: "lr"
          type: PARAMETER_TYPE_FLOAT
          min { float_value: 0.1 }
          max { float_value: 1 }
        }
        parameters {
          name: "opt"
          type: PARAMETER_TYPE_CATEGORICAL
          values { string_value: "sgd" }
        }
        search { method: "random" seed: 42 }
        early_stopping { asha { min_resource: 1 max_resource: 3 reduction_factor: 3 } }
      }
      state: STUDY_STATE_ACTIVE
      created_unix_ms: 999999849000
      trial_counts { state: TRIAL_STATE_COMPLETED count: 1 }
      trial_counts { state: TRIAL_STATE_PRUNED count: 2 }
      trial_counts { state: TRIAL_STATE_WAITING count: 1 }
      best { number: 0 state: TRIAL_STATE_COMPLETED best_value: 0.9 best_step: 3 }
      trials_total: 12
      rungs: [ 1, 3 ]
      max_resource: 3
    )pb");
    coordinator_.trials = {
        Parse<v1::Trial>(R"pb(
          number: 0
          state: TRIAL_STATE_COMPLETED
          best_value: 0.9
          best_step: 3
          final_value: 0.89
          final_step: 3
          parameters {
            name: "lr"
            value { float_value: 0.25 }
          }
          parameters {
            name: "opt"
            value { string_value: "sgd" }
          }
          elapsed_ms: 42000
          attempts: 1
          seed: 18446744073709551615)pb"),
        Parse<v1::Trial>(R"pb(
          number: 1
          state: TRIAL_STATE_PRUNED
          best_value: nan
          best_step: 1
          final_step: 1
          rung: 0
          parameters {
            name: "lr"
            value { float_value: 0.5 }
          })pb"),
        Parse<v1::Trial>(R"pb(number: 2 state: TRIAL_STATE_WAITING)pb"),
    };
  }

  Outcome Run(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const Surroundings surroundings{.in = in,
                                    .out = out,
                                    .err = err,
                                    .in_is_terminal = in_is_terminal_,
                                    .out_is_terminal = out_is_terminal_,
                                    .charset = Charset::kUtf8,
                                    .clock = clock_,
                                    .user = "ann",
                                    .variable =
                                        [this](const std::string& name) {
                                          const auto found = variables_.find(name);
                                          return found == variables_.end() ? std::nullopt
                                                                           : std::optional(found->second);
                                        },
                                    .terminal_size = [] { return TerminalSize{.columns = 100, .rows = 30}; },
                                    .program_folder = program_folder_};
    const int exit_code = cli::Run(arguments, surroundings);
    return {exit_code, out.str(), err.str()};
  }

  std::string WriteFile(const std::string& text) {
    const std::string path = ::testing::TempDir() + "cli_test_study.yaml";
    std::ofstream(path) << text;
    return path;
  }

  testing::FakeCoordinator coordinator_;
  FixedClock clock_;
  bool in_is_terminal_ = false;
  bool out_is_terminal_ = false;
  std::string program_folder_;
  std::map<std::string, std::string> variables_ = {{"ATHANOR_COORDINATOR", coordinator_.address()}};
};

}  // namespace athanor::cli
