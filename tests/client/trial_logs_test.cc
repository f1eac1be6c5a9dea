// `athanor trial logs` against a coordinator that answers by script.
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/cli.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/fake_coordinator.h"

namespace athanor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

class TrialLogsTest : public ::testing::Test {
 protected:
  // The next one of its attempt.
  v1::TrialLogChunk Chunk(int64_t token, const std::string& data, int64_t dropped_bytes = 0) {
    v1::TrialLogChunk chunk;
    end_offsets_[token] += dropped_bytes + static_cast<int64_t>(data.size());
    chunk.set_end_offset(end_offsets_[token]);
    chunk.set_token(token);
    chunk.set_data(data);
    chunk.set_dropped_bytes(dropped_bytes);
    return chunk;
  }

  Outcome Run(std::vector<std::string> arguments) {
    std::istringstream in;
    std::ostringstream out, err;
    const SystemClock clock;
    const Surroundings surroundings{.in = in,
                                    .out = out,
                                    .err = err,
                                    .charset = charset_,
                                    .clock = clock,
                                    .user = "ann",
                                    .variable = [](const std::string&) { return std::nullopt; },
                                    .terminal_size = [] { return TerminalSize(); }};
    if (arguments[0] != "trial") arguments.insert(arguments.begin(), {"trial", "logs"});
    arguments.insert(arguments.end(), {"--coordinator", coordinator_.address()});
    const int exit_code = cli::Run(arguments, surroundings);
    return {exit_code, out.str(), err.str()};
  }

  testing::FakeCoordinator coordinator_;
  std::map<int64_t, int64_t> end_offsets_;
  Charset charset_ = Charset::kUtf8;
};

TEST_F(TrialLogsTest, PrintsAttemptsAndGapsOnLinesOfTheirOwn) {
  coordinator_.logs = {
      {{Chunk(4, "one\ntw", 1'234'567), Chunk(4, "o\nhalf"), Chunk(9, "three\n"), Chunk(9, "", 5)}, {}}};
  const Outcome outcome = Run({"quick", "7"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "--- attempt 4 ---\n[… 1,234,567 bytes not kept …]\none\ntwo\nhalf\n"
            "--- attempt 9 ---\nthree\n[… 5 bytes not kept …]\n");
  EXPECT_EQ(coordinator_.log_requests()[0].study(), "quick");
  EXPECT_EQ(coordinator_.log_requests()[0].number(), 7);
  EXPECT_FALSE(coordinator_.log_requests()[0].follow());
}

TEST_F(TrialLogsTest, AnAttemptThatGoesOnBehindAnotherIsNamedAgain) {
  coordinator_.logs = {{{Chunk(4, "one"), Chunk(9, "two\n"), Chunk(4, "three\n"), Chunk(4, "four\n")}, {}}};
  EXPECT_EQ(Run({"quick", "7"}).out,
            "--- attempt 4 ---\none\n--- attempt 9 ---\ntwo\n--- attempt 4 ---\nthree\nfour\n");
}

TEST_F(TrialLogsTest, OneAttemptIsPrintedAsItIs) {
  coordinator_.logs = {{{Chunk(4, "\x1b[1mone\x1b[0m"), Chunk(4, "two", 12'345)}, {}}};
  charset_ = Charset::kAscii;
  const Outcome outcome = Run({"quick", "7", "--attempt", "4", "--tail", "3", "--follow"});
  EXPECT_EQ(outcome.out, "\x1b[1mone\x1b[0m\n[... 12,345 bytes not kept ...]\ntwo\n");
  const v1::ReadTrialLogRequest request = coordinator_.log_requests()[0];
  EXPECT_EQ(request.token(), 4);
  EXPECT_EQ(request.tail_lines(), 3);
  EXPECT_TRUE(request.follow());
}

TEST_F(TrialLogsTest, MachinesGetARecordAChunk) {
  struct Case {
    std::vector<std::string> flags;
    std::string out;
  };
  const std::vector<Case> cases = {{{"--output", "json"},
                                    "{\"attempt\":4,\"dropped_bytes\":2,\"text\":\"a\\n\"}\n{\"attempt\":4,\"dropped_"
                                    "bytes\":0,\"text\":\"\xef\xbf\xbd\"}\n"},
                                   {{"--output", "yaml"},
                                    "---\nattempt: 4\ndropped_bytes: 2\ntext: \"a\\n\"\n---\nattempt: "
                                    "4\ndropped_bytes: 0\ntext: \"\xef\xbf\xbd\"\n"},
                                   {{"--output", "csv"}, "attempt,dropped_bytes,text\r\n4,2,\"a\n\"\r\n4,0,\xff\r\n"},
                                   {{"--quiet"}, "4\n"}};
  for (const Case& wanted : cases) {
    coordinator_.logs.push_back({{Chunk(4, "a\n", 2), Chunk(4, "\xff")}, {}});
    std::vector<std::string> arguments = {"quick", "7"};
    arguments.insert(arguments.end(), wanted.flags.begin(), wanted.flags.end());
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.out, wanted.out) << wanted.flags.back() << outcome.err;
  }
}

TEST_F(TrialLogsTest, ExitCodeSaysWhatWentWrong) {
  EXPECT_EQ(Run({"quick", "7"}).exit_code, 1) << "not found";
  EXPECT_EQ(Run({"quick", "-1"}).exit_code, 2);
  EXPECT_EQ(Run({"quick", "7", "--tail", "0"}).exit_code, 2);
  EXPECT_EQ(Run({"quick"}).exit_code, 2);
}

TEST_F(TrialLogsTest, AStreamThatBreaksGoesOnBehindItsLastChunk) {
  const grpc::Status unavailable(grpc::StatusCode::UNAVAILABLE, "shutting down");
  coordinator_.logs = {{{}, unavailable},
                       {{Chunk(4, "one\n"), Chunk(4, "two", 10)}, unavailable},
                       {{}, unavailable},
                       {{Chunk(4, "three\n"), Chunk(9, "four\n")}, {}}};
  const Outcome outcome = Run({"quick", "7", "--follow", "--tail", "5"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "--- attempt 4 ---\none\n[… 10 bytes not kept …]\ntwothree\n--- attempt 9 ---\nfour\n");
  std::vector<std::pair<int64_t, int64_t>> positions;
  for (const auto& request : coordinator_.log_requests()) {
    positions.emplace_back(request.after_token(), request.after_offset());
    EXPECT_EQ(request.tail_lines(), 5);
  }
  EXPECT_THAT(positions, ElementsAre(Pair(0, 0), Pair(0, 0), Pair(4, 17), Pair(4, 17)));
}

TEST_F(TrialLogsTest, AStreamThatCannotBeOpenedExitsWithThree) {
  coordinator_.logs.assign(4, {{}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down")});
  const Outcome outcome = Run({"quick", "7", "--follow"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("shutting down"));
  EXPECT_EQ(coordinator_.log_requests().size(), 4u);
}

TEST_F(TrialLogsTest, TrialShowHasTheLastLinesOfTheNewestFailureBelowItsTable) {
  coordinator_.study.mutable_spec()->set_name("quick");
  coordinator_.trials.emplace_back().set_state(v1::TRIAL_STATE_RUNNING);
  for (const char* reason : {"exit code 1\nold line", "signal 11\none\n\nthree", ""}) {
    v1::Attempt& attempt = *coordinator_.detail.add_attempts();
    attempt.set_token(coordinator_.detail.attempts_size());
    attempt.set_reason(reason);
  }
  const Outcome outcome = Run({"trial", "show", "quick", "0"});
  EXPECT_THAT(outcome.out, HasSubstr("exit code 1\n"));
  EXPECT_THAT(outcome.out, HasSubstr("signal 11\n"));
  EXPECT_THAT(outcome.out, EndsWith("\nthe log of attempt 2 ended with\n  one\n\n  three\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("old line")));
}

TEST_F(TrialLogsTest, HelpShowsAnExample) {
  const Outcome outcome = Run({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("athanor trial logs fashion-lenet 7 --follow --tail 20"));
}

}  // namespace
}  // namespace athanor::cli
