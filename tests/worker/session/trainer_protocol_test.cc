#include "worker/session/trainer_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename Body>
Body Parse(const std::string& line) {
  const auto message = ParseTrainerMessage(line);
  EXPECT_TRUE(message.ok()) << message.status();
  return std::get<Body>(message->body);
}

TEST(FormatStartTest, WritesEveryKeyOnOneLine) {
  StartCommand command{.trial = "1-2-3",
                       .options = {{"batch_size", int64_t{32}},
                                   {"learning_rate", 0.5},
                                   {"momentum", 1.0},
                                   {"nesterov", true},
                                   {"optimizer", std::string("sgd")}},
                       .seed = 18446744073709551615u,
                       .device = "cuda:1",
                       .resource = ResourceUnit::kStep,
                       .until = 27,
                       .hold_at = {1, 3},
                       .objective = "val_loss",
                       .goal = MetricGoal::kMinimize,
                       .checkpoint_dir = "/tmp/x",
                       .checkpoint_interval_ms = 5000,
                       .checkpoints = {{.path = "/tmp/a", .step = 3}},
                       .elapsed_ms = 77,
                       .final_checkpoint = true};
  EXPECT_EQ(
      FormatStart(command),
      "{\"checkpoint_dir\":\"/tmp/x\",\"checkpoint_interval_ms\":5000,"
      "\"checkpoints\":[{\"path\":\"/tmp/"
      "a\",\"step\":3}],\"device\":\"cuda:1\",\"elapsed_ms\":77,\"final_checkpoint\":true,"
      "\"goal\":\"minimize\",\"hold_at\":[1,3],\"objective\":\"val_loss\","
      "\"options\":{\"batch_size\":32,\"learning_rate\":0.5,\"momentum\":1.0,\"nesterov\":true,\"optimizer\":\"sgd\"},"
      "\"resource\":\"step\",\"seed\":\"18446744073709551615\",\"trial\":\"1-2-3\",\"type\":\"start\",\"until\":27}\n");
}

TEST(FormatStartTest, WritesNonFiniteOptionsAsStrings) {
  StartCommand command;
  command.options = {{"a", std::nan("")}, {"b", kInfinity}, {"c", -kInfinity}};
  EXPECT_THAT(FormatStart(command), HasSubstr(R"("options":{"a":"nan","b":"inf","c":"-inf"})"));
}

TEST(FormatCommandTest, NamesCommandAndTrial) {
  EXPECT_EQ(FormatCommand(TrialCommand::kContinue, "t"), "{\"trial\":\"t\",\"type\":\"continue\"}\n");
  EXPECT_EQ(FormatCommand(TrialCommand::kPause, "t"), "{\"trial\":\"t\",\"type\":\"pause\"}\n");
  EXPECT_EQ(FormatCommand(TrialCommand::kStop, "t"), "{\"trial\":\"t\",\"type\":\"stop\"}\n");
  EXPECT_EQ(FormatExit(), "{\"type\":\"exit\"}\n");
}

TEST(ParseTest, ReadsHello) {
  const auto hello = Parse<HelloMessage>(
      R"({"type":"hello","protocol":1,"trainer":"t","version":"2","libtorch":"1.13","devices":["cpu","cuda:0"],)"
      R"("option_table_hash":"ab","blas":"openblas"})");
  EXPECT_EQ(hello.protocol, 1);
  EXPECT_EQ(hello.libtorch, "1.13");
  EXPECT_THAT(hello.devices, ElementsAre("cpu", "cuda:0"));
  EXPECT_EQ(hello.blas, "openblas");
}

TEST(ParseTest, ReadsMetricsWithNonFiniteValuesAndIgnoresUnknownKeys) {
  const auto metrics = Parse<MetricsMessage>(
      R"({"type":"metrics","trial":"t","step":4,"elapsed_ms":9,"later":[1],"metrics":{"a":1,"b":"nan","c":"inf","d":"-inf"}})");
  EXPECT_EQ(metrics.step, 4);
  EXPECT_EQ(metrics.elapsed_ms, 9);
  EXPECT_EQ(metrics.metrics.at("a"), 1.0);
  EXPECT_TRUE(std::isnan(metrics.metrics.at("b")));
  EXPECT_EQ(metrics.metrics.at("c"), kInfinity);
  EXPECT_EQ(metrics.metrics.at("d"), -kInfinity);
}

TEST(ParseTest, ReadsCheckpointSaved) {
  const std::string digest(64, 'a');
  const auto saved =
      Parse<CheckpointSavedMessage>(R"({"type":"checkpoint_saved","trial":"t","step":2,"path":"/p","sha256":")" +
                                    digest + R"(","size":10,"best":true})");
  EXPECT_EQ(saved.sha256, digest);
  EXPECT_EQ(saved.size, 10);
  EXPECT_TRUE(saved.best);
}

TEST(ParseTest, ReadsAnArtifactWhateverItsName) {
  const auto artifact =
      Parse<ArtifactMessage>(R"({"type":"artifact","trial":"t","step":0,"name":"../a","path":"/p/a","size":12})");
  EXPECT_EQ(artifact.step, 0);
  EXPECT_EQ(artifact.name, "../a");
  EXPECT_EQ(artifact.path, "/p/a");
  EXPECT_EQ(artifact.size, 12);
}

TEST(IsArtifactNameTest, TakesOneComponentOfALimitedAlphabet) {
  const std::vector<std::pair<std::string, bool>> table = {
      {"roc.csv", true}, {"a", true},    {"0-9_x.json", true}, {std::string(100, 'a'), true},  {"", false},
      {".", false},      {"..", false},  {".a", false},        {std::string(101, 'a'), false}, {"a/b", false},
      {"A", false},      {"a b", false}, {"\u00e4", false},    {std::string("a\0b", 3), false}};
  for (const auto& [name, taken] : table) EXPECT_EQ(IsArtifactName(name), taken) << name;
}

TEST(ParseTest, KnowsWhichMessagesEndATrial) {
  const std::vector<std::pair<std::string, bool>> table = {
      {R"({"type":"started","trial":"t","resumed_step":0,"threads":1,"dataset_hash":"","device":"cpu"})", false},
      {R"({"type":"progress","trial":"t","fraction":0.5,"optimizer_step":1,"train_loss":2,"examples_per_second":3})",
       false},
      {R"({"type":"artifact","trial":"t","step":1,"name":"a","path":"p","size":0})", false},
      {R"({"type":"paused","trial":"t","step":1})", true},
      {R"({"type":"stopped","trial":"t"})", true},
      {R"({"type":"done","trial":"t","step":1,"metrics":{}})", true},
      {R"({"type":"failed","trial":"t","reason":"r"})", true},
      {R"({"type":"infeasible","trial":"t","reason":"r"})", true},
  };
  for (const auto& [line, ends] : table) {
    const auto message = ParseTrainerMessage(line);
    ASSERT_TRUE(message.ok()) << line << message.status();
    EXPECT_EQ(message->EndsTrial(), ends) << line;
    EXPECT_EQ(message->trial, "t") << line;
  }
}

TEST(ParseTest, RefusesWhatIsNotTheProtocolAndSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "not a JSON object"},
      {"{", "not a JSON object"},
      {"[1]", "not a JSON object"},
      {"{} {}", "not a JSON object"},
      {"{}", "key \"type\" is missing"},
      {R"({"type":7})", "key \"type\" must be a string"},
      {R"({"type":"start","trial":"t"})", "unknown type \"start\""},
      {R"({"type":"stopped"})", "key \"trial\" is missing"},
      {R"({"type":"paused","trial":"t","step":-1})", "key \"step\" must be an integer >= 0"},
      {R"({"type":"paused","trial":"t","step":1.5})", "key \"step\" must be an integer >= 0"},
      {R"({"type":"paused","trial":"t","step":18446744073709551615})", "key \"step\" must be an integer >= 0"},
      {R"({"type":"metrics","trial":"t","step":0,"metrics":{},"elapsed_ms":0})",
       "key \"step\" must be an integer >= 1"},
      {R"({"type":"metrics","trial":"t","step":1,"metrics":[],"elapsed_ms":0})",
       "key \"metrics\" must be an object of numbers"},
      {R"({"type":"metrics","trial":"t","step":1,"metrics":{"loss":"NaN"},"elapsed_ms":0})",
       "key \"loss\" must be a number"},
      {R"({"type":"metrics","trial":"t","step":1,"metrics":{"loss":null},"elapsed_ms":0})",
       "key \"loss\" must be a number"},
      {R"({"type":"checkpoint_saved","trial":"t","step":1,"path":"p","sha256":"../../x","size":1,"best":true})",
       "key \"sha256\" must be 64 lower-case hex digits"},
      {R"({"type":"checkpoint_saved","trial":"t","step":1,"path":"p","sha256":")" + std::string(64, 'A') +
           R"(","size":1,"best":true})",
       "key \"sha256\" must be 64 lower-case hex digits"},
      {R"({"type":"artifact","trial":"t","step":-1,"name":"a","path":"p","size":0})",
       "key \"step\" must be an integer >= 0"},
      {R"({"type":"artifact","trial":"t","step":1,"name":"a","path":"p"})", "key \"size\" is missing"},
      {R"({"type":"hello","protocol":1,"trainer":"t","version":"2","libtorch":"","devices":[1],"option_table_hash":"","blas":""})",
       "key \"devices\" must be a list of strings"},
  };
  for (const auto& [line, what] : table) {
    const auto message = ParseTrainerMessage(line);
    ASSERT_FALSE(message.ok()) << line;
    EXPECT_TRUE(absl::IsInvalidArgument(message.status()));
    EXPECT_THAT(std::string(message.status().message()), HasSubstr(what)) << line;
  }
}

TEST(ParseTest, SurvivesNestingAsDeepAsALineAllows) {
  EXPECT_FALSE(ParseTrainerMessage(std::string(kMaxLineBytes, '[')).ok());
}

TEST(LineSplitterTest, JoinsPiecesAndSplitsLines) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  ASSERT_TRUE(splitter.Append("ab", &lines).ok());
  EXPECT_THAT(lines, IsEmpty());
  ASSERT_TRUE(splitter.Append("c\n\nd\ne", &lines).ok());
  EXPECT_THAT(lines, ElementsAre("abc", "", "d"));
}

TEST(LineSplitterTest, TakesALineOfTheLimitAndRefusesOneByteMore) {
  LineSplitter at_limit(5);
  std::vector<std::string> lines;
  EXPECT_TRUE(at_limit.Append("12345\n", &lines).ok());
  EXPECT_THAT(lines, ElementsAre("12345"));

  LineSplitter beyond(5);
  lines.clear();
  EXPECT_TRUE(beyond.Append("1\n12345", &lines).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(beyond.Append("6", &lines)));
  EXPECT_THAT(lines, ElementsAre("1"));
}

}  // namespace
}  // namespace athanor::session
