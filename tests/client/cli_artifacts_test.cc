// `athanor trial artifacts`, `trial artifact` and `trial checkpoint` against a coordinator that answers by script.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/sha256.h"
#include "gmock/gmock.h"
#include "tests/client/cli_fixture.h"

namespace athanor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

class CliArtifactsTest : public CliTest {
 protected:
  CliArtifactsTest() : before_(std::filesystem::current_path()) {
    folder_ = ::testing::TempDir() + "athanor-artifacts-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    std::filesystem::current_path(folder_);
    AddArtifact("confusion.csv", 2, "old\n");
    AddArtifact("roc.json", 9, "{}");
    AddArtifact("confusion.csv", 10, std::string("0,1\n\0\n", 6));
    coordinator_.checkpoint.first.set_sha256(Sha256::Hex("weights"));
    coordinator_.checkpoint.first.set_step(3);
    coordinator_.checkpoint.first.set_size_bytes(7);
    coordinator_.checkpoint.second = "weights";
  }
  ~CliArtifactsTest() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  void AddArtifact(const std::string& name, int64_t step, const std::string& content) {
    v1::Artifact artifact;
    artifact.set_name(name);
    artifact.set_step(step);
    artifact.set_size_bytes(static_cast<int64_t>(content.size()));
    coordinator_.artifacts.emplace_back(artifact, content);
  }
  static std::string ReadFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static size_t FilesHere() { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("."), {})); }

  const std::filesystem::path before_;
  std::string folder_;
};

TEST_F(CliArtifactsTest, ListsThemInEveryForm) {
  EXPECT_EQ(Run({"trial", "artifacts", "quick", "0"}).out,
            "NAME           STEP  SIZE\n"
            "confusion.csv     2   4 B\n"
            "roc.json          9   2 B\n"
            "confusion.csv    10   6 B\n");
  EXPECT_EQ(Run({"trial", "artifacts", "quick", "0", "-o", "csv"}).out,
            "name,step,size_bytes\r\nconfusion.csv,2,4\r\nroc.json,9,2\r\nconfusion.csv,10,6\r\n");
  EXPECT_THAT(Run({"trial", "artifacts", "quick", "0", "-o", "json"}).out, HasSubstr("\"size_bytes\": 6"));
  EXPECT_EQ(Run({"trial", "artifacts", "quick", "0", "-q"}).out, "confusion.csv\nroc.json\n");
  EXPECT_THAT(coordinator_.seen().back(), Field(&testing::SeenCall::target, "quick/0"));
  coordinator_.artifacts.clear();
  EXPECT_EQ(Run({"trial", "artifacts", "quick", "0"}).out, "no artifacts\n");
  EXPECT_EQ(Run({"trial", "artifacts", "quick", "0", "-o", "json"}).out, "[]\n");
}

TEST_F(CliArtifactsTest, PrintsTheNewestByteForByteUnlessToldWhereTo) {
  EXPECT_EQ(Run({"trial", "artifact", "quick", "0", "confusion.csv"}).out, std::string("0,1\n\0\n", 6));
  EXPECT_EQ(Run({"trial", "artifact", "quick", "0", "confusion.csv", "--step", "2"}).out, "old\n");
  EXPECT_EQ(Run({"trial", "artifact", "quick", "0", "roc.json", "--out", "-"}).out, "{}");
  EXPECT_EQ(Run({"trial", "artifact", "quick", "0", "confusion.csv", "--out", "mine.csv"}).out,
            "wrote mine.csv (confusion.csv of step 10, 6 B)\n");
  EXPECT_EQ(ReadFile("mine.csv"), std::string("0,1\n\0\n", 6));
  EXPECT_EQ(FilesHere(), 1u);
}

TEST_F(CliArtifactsTest, ToATerminalItWritesANewFileOfItsName) {
  out_is_terminal_ = true;
  EXPECT_THAT(Run({"trial", "artifact", "quick", "0", "roc.json"}).out, HasSubstr("wrote roc.json"));
  EXPECT_EQ(ReadFile("roc.json"), "{}");
  const Outcome again = Run({"trial", "artifact", "quick", "0", "roc.json"});
  EXPECT_EQ(again.exit_code, kFailed);
  EXPECT_EQ(again.err, "athanor: roc.json is there already; --out roc.json overwrites it\n");
  EXPECT_EQ(Run({"trial", "artifact", "quick", "0", "roc.json", "--out", "roc.json"}).exit_code, kOk);
  EXPECT_EQ(Run({"trial", "artifact", "quick", "0", "roc.json", "--out", "-"}).out, "{}");
}

TEST_F(CliArtifactsTest, AnArtifactThatCannotBeHadIsAnError) {
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    const char* what;
  };
  const Case cases[] = {{{"quick", "0", "pr.csv"}, kFailed, "no such artifact"},
                        {{"quick", "0", "roc.json", "--step", "1"}, kFailed, "no such artifact"},
                        {{"quick", "0", "roc.json", "--out", "nowhere/x"}, kFailed, "nowhere/x: cannot write"},
                        {{"quick", "0", "roc.json", "--step", "-1"}, kBadInput, "--step"},
                        {{"quick", "0"}, kBadInput, "name"},
                        {{"quick", "x", "roc.json"}, kBadInput, "no trial"}};
  for (const Case& wrong : cases) {
    std::vector<std::string> arguments = {"trial", "artifact"};
    arguments.insert(arguments.end(), wrong.arguments.begin(), wrong.arguments.end());
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, wrong.exit_code) << wrong.what;
    EXPECT_THAT(outcome.err, HasSubstr(wrong.what));
    EXPECT_EQ(outcome.out, "");
  }
  coordinator_.artifacts[1].first.set_size_bytes(5);
  EXPECT_THAT(Run({"trial", "artifact", "quick", "0", "roc.json"}).err, HasSubstr("2 of 5 bytes arrived"));
}

TEST_F(CliArtifactsTest, ACheckpointIsTheBestUnlessTheNewestIsAskedFor) {
  EXPECT_EQ(Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt"}).out,
            "wrote best.ckpt (the checkpoint of step 3, 7 B)\n");
  EXPECT_EQ(ReadFile("best.ckpt"), "weights");
  EXPECT_EQ(coordinator_.seen().back().target, "CHECKPOINT_CHOICE_BEST");
  EXPECT_EQ(Run({"trial", "checkpoint", "quick", "0", "--newest", "--out", "new.ckpt", "-q"}).out,
            Sha256::Hex("weights") + "\n");
  EXPECT_EQ(coordinator_.seen().back().target, "CHECKPOINT_CHOICE_NEWEST");
  EXPECT_THAT(Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt", "-o", "json"}).out,
              HasSubstr("\"step\": 3"));
  EXPECT_EQ(FilesHere(), 2u);
}

TEST_F(CliArtifactsTest, ACheckpointFromBeforeTheBestStepIsToldAsSuch) {
  coordinator_.trials[0].set_best_value(0.5);
  coordinator_.trials[0].set_best_step(5);
  const Outcome outcome = Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt"});
  EXPECT_EQ(outcome.exit_code, kOk);
  EXPECT_EQ(outcome.err,
            "athanor: trial 0 was at its best at step 5, after its newest checkpoint: this is its model of step 3\n");
  EXPECT_EQ(Run({"trial", "checkpoint", "quick", "0", "--newest", "--out", "best.ckpt"}).err, "");
  coordinator_.trials[0].set_best_step(3);
  EXPECT_EQ(Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt"}).err, "");
}

TEST_F(CliArtifactsTest, ACheckpointThatBreaksOffIsFetchedAgain) {
  coordinator_.FailNext({grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone")});
  EXPECT_EQ(Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt"}).exit_code, kOk);
  EXPECT_EQ(ReadFile("best.ckpt"), "weights");
  EXPECT_EQ(FilesHere(), 1u);
}

TEST_F(CliArtifactsTest, ACheckpointThatCannotBeHadLeavesWhatWasThere) {
  std::ofstream("best.ckpt") << "before";
  coordinator_.checkpoint.first.set_sha256(Sha256::Hex("other"));
  EXPECT_THAT(Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt"}).err, HasSubstr("arrived as"));
  coordinator_.checkpoint.first.clear_sha256();
  const Outcome gone = Run({"trial", "checkpoint", "quick", "0", "--out", "best.ckpt"});
  EXPECT_EQ(gone.exit_code, kFailed);
  EXPECT_EQ(gone.err, "athanor: trial 0 has no checkpoint any more\n");
  EXPECT_EQ(ReadFile("best.ckpt"), "before");
  EXPECT_EQ(FilesHere(), 1u);
  EXPECT_EQ(Run({"trial", "checkpoint", "quick", "0"}).exit_code, kBadInput) << "--out is required";
  coordinator_.checkpoint.first.set_sha256(Sha256::Hex("weights"));
  EXPECT_THAT(Run({"trial", "checkpoint", "quick", "0", "--out", "nowhere/x"}).err, HasSubstr("nowhere/x.part"));
}

}  // namespace
}  // namespace athanor::cli
