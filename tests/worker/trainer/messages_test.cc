#include "worker/trainer/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace athanor {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using training::Command;
using training::Ending;

json Start() {
  return {{"type", "start"},
          {"trial", "t"},
          {"options", {{"a", true}, {"b", 3}, {"c", 0.5}, {"d", "text"}, {"e", 2.0}}},
          {"seed", "18446744073709551615"},
          {"device", "cpu"},
          {"resource", "step"},
          {"until", 100},
          {"hold_at", {10, 30}},
          {"objective", "val_loss"},
          {"goal", "minimize"},
          {"checkpoint_dir", "/tmp/c"},
          {"checkpoint_interval_ms", 1500},
          {"checkpoints", {{{"path", "/tmp/c/2"}, {"step", 2}}, {{"path", "/tmp/c/1"}, {"step", 1}}}},
          {"elapsed_ms", 7},
          {"some_key_of_tomorrow", {1, 2}}};
}

TEST(ParseMessage, ReadsAStart) {
  const IncomingMessage message = ParseMessage(Start().dump());
  const auto* start = std::get_if<StartMessage>(&message);
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(start->trial, "t");
  const training::TrialSpec& spec = start->spec;
  const NamedValues options = {{"a", true}, {"b", int64_t{3}}, {"c", 0.5}, {"d", std::string("text")}, {"e", 2.0}};
  EXPECT_EQ(spec.options, options) << "types are kept: 2.0 is a float";
  EXPECT_EQ(spec.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(spec.device, "cpu");
  EXPECT_EQ(spec.resource, training::Resource::kStep);
  EXPECT_EQ(spec.until, 100);
  EXPECT_EQ(spec.hold_at, (std::vector<int64_t>{10, 30}));
  EXPECT_EQ(spec.objective, "val_loss");
  EXPECT_EQ(spec.goal, training::Goal::kMinimize);
  EXPECT_EQ(spec.checkpoint_dir, "/tmp/c");
  EXPECT_EQ(spec.checkpoint_interval, std::chrono::milliseconds(1500));
  EXPECT_EQ(spec.checkpoints, (std::vector<std::filesystem::path>{"/tmp/c/2", "/tmp/c/1"}));
}

TEST(ParseMessage, ReadsCommands) {
  struct Case {
    const char* type;
    Command command;
  };
  for (const Case& c : {Case{"continue", Command::kContinue}, Case{"pause", Command::kPause},
                        Case{"stop", Command::kStop}, Case{"checkpoint", Command::kCheckpoint}}) {
    const IncomingMessage message = ParseMessage(json{{"type", c.type}, {"trial", "x"}}.dump());
    const auto* command = std::get_if<CommandMessage>(&message);
    ASSERT_NE(command, nullptr) << c.type;
    EXPECT_EQ(command->command, c.command);
    EXPECT_EQ(command->trial, "x");
  }
  EXPECT_TRUE(std::holds_alternative<ExitMessage>(ParseMessage(R"({"type":"exit"})")));
}

TEST(ParseMessage, AnswersForAStartThatItCannotUse) {
  struct Case {
    const char* key;
    json value;
    const char* expected;
  };
  const Case cases[] = {
      {"seed", 7, "start: seed is 7; want a string"},
      {"seed", "-1", "want a decimal string of 64 bits"},
      {"seed", "18446744073709551616", "want a decimal string of 64 bits"},
      {"until", 0, "start: until is 0; want an int of at least 1"},
      {"until", 1.5, "start: until is 1.5"},
      {"until", std::numeric_limits<uint64_t>::max(), "start: until is 18446744073709551615"},
      {"hold_at", {3, 2}, "want ascending steps"},
      {"resource", "hour", "want epoch or step"},
      {"goal", "best", "want maximize or minimize"},
      {"options", {1}, "want an object"},
      {"options", {{"a", nullptr}}, "options.a is null"},
      {"checkpoints", {"path"}, "want objects of path and step"},
  };
  for (const Case& c : cases) {
    json start = Start();
    start[c.key] = c.value;
    const IncomingMessage message = ParseMessage(start.dump());
    const auto* unusable = std::get_if<UnusableStart>(&message);
    ASSERT_NE(unusable, nullptr) << c.expected;
    EXPECT_EQ(unusable->trial, "t");
    EXPECT_THAT(unusable->reason, HasSubstr(c.expected));
  }
  json start = Start();
  start.erase("device");
  EXPECT_EQ(std::get<UnusableStart>(ParseMessage(start.dump())).reason, "start: device is missing");
}

TEST(ParseMessage, RefusesWhatIsNotTheProtocol) {
  for (const char* line : {"", "hello", "[1]", "{\"type\":\"start\"", R"({"trial":"t"})", R"({"type":7})",
                           R"({"type":"dance","trial":"t"})", R"({"type":"stop"})", R"({"type":"stop","trial":3})"}) {
    EXPECT_THROW(ParseMessage(line), ProtocolError) << line;
  }
}

TEST(ToLine, WritesNonFiniteNumbersAsStrings) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::string line = ToLine("t", 3, {{"a", NAN}, {"b", inf}, {"c", -inf}, {"d", 0.1}}, 12);
  EXPECT_EQ(json::parse(line), (json{{"type", "metrics"},
                                     {"trial", "t"},
                                     {"step", 3},
                                     {"elapsed_ms", 12},
                                     {"metrics", {{"a", "nan"}, {"b", "inf"}, {"c", "-inf"}, {"d", 0.1}}}}));
}

TEST(ToLine, KeepsEveryBitOfADouble) {
  const double value = 0.1 + 0.2;
  const json line = json::parse(ToLine("t", 1, {{"a", value}}, 0));
  EXPECT_EQ(line["metrics"]["a"].get<double>(), value);
}

TEST(ToLine, NamesEveryEnding) {
  EXPECT_EQ(
      json::parse(ToLine("t", training::TrialResult{.ending = Ending::kDone, .step = 4, .metrics = {{"m", 1.0}}})),
      (json{{"type", "done"}, {"trial", "t"}, {"step", 4}, {"metrics", {{"m", 1.0}}}}));
  EXPECT_EQ(json::parse(ToLine("t", training::TrialResult{.ending = Ending::kPaused, .step = 4})),
            (json{{"type", "paused"}, {"trial", "t"}, {"step", 4}}));
  EXPECT_EQ(json::parse(ToLine("t", training::TrialResult{.ending = Ending::kStopped})),
            (json{{"type", "stopped"}, {"trial", "t"}}));
  EXPECT_EQ(json::parse(ToLine("t", training::TrialResult{.ending = Ending::kFailed, .reason = "r"})),
            (json{{"type", "failed"}, {"trial", "t"}, {"reason", "r"}}));
  EXPECT_EQ(json::parse(ToLine("t", training::TrialResult{.ending = Ending::kInfeasible, .reason = "r"})),
            (json{{"type", "infeasible"}, {"trial", "t"}, {"reason", "r"}}));
}

TEST(ToLine, WritesATrainingLossThatDoesNotExistYetAsNan) {
  EXPECT_EQ(json::parse(ToLine("t", training::ProgressReport{}))["train_loss"], "nan");
  EXPECT_EQ(json::parse(ToLine("t", training::ProgressReport{.train_loss = 0.5}))["train_loss"], 0.5);
}

TEST(ToLine, IsOneLineWhateverTheText) {
  const std::string line = ToLine("t\n", training::TrialResult{.reason = "a\nb \xff c"});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(json::parse(line)["trial"], "t\n");
}

}  // namespace
}  // namespace athanor
