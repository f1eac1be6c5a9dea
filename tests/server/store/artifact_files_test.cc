#include "server/store/artifact_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ArtifactFilesTest : public ::testing::Test {
 protected:
  ArtifactFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "athanor-artifacts-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    Reopen({});
  }
  ~ArtifactFilesTest() override { std::filesystem::remove_all(directory_); }

  void Reopen(const ArtifactFilesOptions& options) { files_ = *ArtifactFiles::Open(directory_, options); }

  absl::Status Put(const TrialKey& trial, const std::string& name, int64_t step, const std::string& content,
                   TrialStanding standing = TrialStanding::kUnfinished,
                   ArtifactFiles::Same same = ArtifactFiles::Same::kReplace) {
    return files_->Put(trial, {.name = name, .step = step}, content, standing, same);
  }
  // "STEP-NAME:BYTES" of each.
  std::vector<std::string> List(const TrialKey& trial) const {
    const auto artifacts = files_->List(trial);
    EXPECT_TRUE(artifacts.ok()) << artifacts.status();
    std::vector<std::string> texts;
    for (const Artifact& one : *artifacts) texts.push_back(absl::StrCat(one.step, "-", one.name, ":", one.size_bytes));
    return texts;
  }
  std::string Read(const TrialKey& trial, const std::string& name, std::optional<int64_t> step = {}) const {
    const auto found = files_->Read(trial, name, step);
    return found.ok() ? absl::StrCat(found->first.step, ":", found->second) : std::string(found.status().message());
  }
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.is_regular_file()) names.insert(std::filesystem::relative(entry.path(), directory_));
    }
    return names;
  }

  std::string directory_;
  std::unique_ptr<ArtifactFiles> files_;
};

TEST_F(ArtifactFilesTest, ArtifactsAreListedByStepThenName) {
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 10, "ten").ok());
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 9, "nine").ok());
  EXPECT_TRUE(Put({1, 0}, "a-confusion_1.json", 10, "{}").ok());
  EXPECT_TRUE(Put({1, 2}, "roc.csv", 0, "").ok());
  EXPECT_THAT(List({1, 0}), ElementsAre("9-roc.csv:4", "10-a-confusion_1.json:2", "10-roc.csv:3"));
  EXPECT_THAT(List({1, 2}), ElementsAre("0-roc.csv:0"));
  EXPECT_THAT(List({1, 1}), IsEmpty());
  EXPECT_THAT(Names(),
              UnorderedElementsAre("1/0/9-roc.csv", "1/0/10-a-confusion_1.json", "1/0/10-roc.csv", "1/2/0-roc.csv"));
  EXPECT_EQ(files_->bytes(), 9);
}

TEST_F(ArtifactFilesTest, ReadFindsTheStepAskedForElseTheNewest) {
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 2, "two").ok());
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 10, "ten").ok());
  EXPECT_TRUE(Put({1, 0}, "roc.csv.gz", 11, "other").ok());
  EXPECT_EQ(Read({1, 0}, "roc.csv"), "10:ten");
  EXPECT_EQ(Read({1, 0}, "roc.csv", 2), "2:two");
  EXPECT_EQ(Read({1, 0}, "roc.csv", 3), "trial 0 has no artifact \"roc.csv\" of step 3");
  EXPECT_EQ(Read({1, 0}, "pr.csv"), "trial 0 has no artifact \"pr.csv\"");
  EXPECT_EQ(Read({1, 7}, "roc.csv"), "trial 7 has no artifact \"roc.csv\"");
  EXPECT_TRUE(absl::IsNotFound(files_->Read({1, 0}, "pr.csv", {}).status()));
}

TEST_F(ArtifactFilesTest, TheSameNameAndStepReplacesWhatWasThere) {
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 2, "first").ok());
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 2, "2nd").ok());
  EXPECT_EQ(Read({1, 0}, "roc.csv"), "2:2nd");
  EXPECT_EQ(files_->bytes(), 3);
}

TEST_F(ArtifactFilesTest, WhatIsThereStaysWhereItIsNotToBeReplaced) {
  const auto late = [&](int64_t step, const std::string& content) {
    return Put({1, 0}, "roc.csv", step, content, TrialStanding::kEnded, ArtifactFiles::Same::kKeep);
  };
  EXPECT_TRUE(Put({1, 0}, "roc.csv", 2, "first").ok());
  EXPECT_TRUE(late(2, "second").ok());
  EXPECT_TRUE(late(3, "third").ok());
  EXPECT_EQ(Read({1, 0}, "roc.csv", 2), "2:first");
  EXPECT_EQ(Read({1, 0}, "roc.csv", 3), "3:third");
  EXPECT_EQ(files_->bytes(), 10);
}

TEST_F(ArtifactFilesTest, WhatNoArtifactCanBeIsRefused) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string(".bashrc"), std::string("a/b"),
        std::string("../a"), std::string("A.csv"), std::string("a b"), std::string("a\0b", 3), std::string(101, 'a')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Put({1, 0}, name, 1, "x"))) << name;
    EXPECT_TRUE(absl::IsInvalidArgument(files_->Read({1, 0}, name, 1).status())) << name;
    EXPECT_TRUE(absl::IsInvalidArgument(files_->Read({1, 0}, name, {}).status())) << name;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Put({1, 0}, "a", -1, "x")));
  const absl::Status large = Put({1, 0}, "a", 1, std::string(kMaxArtifactBytes + 1, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(large));
  EXPECT_THAT(std::string(large.message()), HasSubstr("4194305; want 0 to 4194304"));
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_TRUE(Put({1, 0}, std::string(100, 'a'), 1, std::string(kMaxArtifactBytes, 'x')).ok());
}

TEST_F(ArtifactFilesTest, BeyondATrialsBytesTheLowestStepsGo) {
  Reopen({.trial_bytes = 10});
  EXPECT_TRUE(Put({1, 0}, "b", 1, "1234").ok());
  EXPECT_TRUE(Put({1, 0}, "a", 1, "1234").ok());
  EXPECT_TRUE(Put({1, 1}, "a", 1, "1234").ok());
  EXPECT_TRUE(Put({1, 0}, "a", 2, "12").ok());
  EXPECT_THAT(List({1, 0}), ElementsAre("1-a:4", "1-b:4", "2-a:2"));
  EXPECT_TRUE(Put({1, 0}, "a", 3, "1").ok());
  EXPECT_THAT(List({1, 0}), ElementsAre("1-b:4", "2-a:2", "3-a:1"));
  // A late one of a low step is the first to go itself.
  EXPECT_TRUE(Put({1, 0}, "late", 0, "1234").ok());
  EXPECT_THAT(List({1, 0}), ElementsAre("1-b:4", "2-a:2", "3-a:1"));
  EXPECT_EQ(files_->bytes(), 11);
}

TEST_F(ArtifactFilesTest, BeyondATrialsFilesTheLowestStepsGo) {
  Reopen({.trial_files = 2});
  for (int64_t step = 1; step <= 4; ++step) EXPECT_TRUE(Put({1, 0}, "a", step, "x").ok());
  EXPECT_THAT(List({1, 0}), ElementsAre("3-a:1", "4-a:1"));
}

TEST_F(ArtifactFilesTest, BeyondTheTotalTrialsThatHaveEndedGoFirstThenTheLongestUnused) {
  Reopen({.total_bytes = 10});
  for (int64_t trial = 0; trial < 5; ++trial) EXPECT_TRUE(Put({1, trial}, "a", 1, "12").ok());
  files_->SetEnded({1, 3});
  EXPECT_TRUE(Put({2, 0}, "a", 1, "12").ok());
  EXPECT_THAT(List({1, 3}), IsEmpty());
  EXPECT_TRUE(Put({1, 0}, "a", 1, "34").ok());  // no longer the longest unused
  EXPECT_TRUE(Put({2, 1}, "a", 1, "12").ok());
  EXPECT_THAT(List({1, 1}), IsEmpty());
  EXPECT_THAT(List({1, 0}), ElementsAre("1-a:2"));
  EXPECT_EQ(files_->bytes(), 10);
}

TEST_F(ArtifactFilesTest, TheLastOfATrialThatHasEndedLeaveItAmongTheEnded) {
  Reopen({.total_bytes = 6});
  EXPECT_TRUE(Put({1, 0}, "a", 1, "12").ok());
  EXPECT_TRUE(Put({1, 1}, "a", 1, "12").ok());
  files_->SetEnded({1, 1});
  EXPECT_TRUE(Put({1, 1}, "a", 2, "12", TrialStanding::kEnded).ok());
  EXPECT_TRUE(Put({1, 2}, "a", 1, "12").ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0/1-a", "1/2/1-a"));
}

TEST_F(ArtifactFilesTest, AStudysArtifactsGoWithItAndItGetsNoNewOnes) {
  EXPECT_TRUE(Put({1, 0}, "a", 1, "12").ok());
  EXPECT_TRUE(Put({2, 0}, "a", 1, "123").ok());
  files_->DeleteStudy(1);
  EXPECT_THAT(Names(), UnorderedElementsAre("2/0/1-a"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/1"));
  EXPECT_TRUE(absl::IsNotFound(Put({1, 0}, "a", 2, "12")));
  EXPECT_EQ(files_->bytes(), 3);
}

TEST_F(ArtifactFilesTest, ANewStartTakesInWhatIsThereAndDeletesLeftovers) {
  EXPECT_TRUE(Put({1, 0}, "a", 1, "12").ok());
  EXPECT_TRUE(Put({1, 1}, "a", 1, "123").ok());
  EXPECT_TRUE(Put({1, 2}, "a", 1, "1234").ok());
  EXPECT_TRUE(Put({2, 0}, "a", 1, "12345").ok());
  EXPECT_TRUE(Put({1, 0}, "7.upload", 3, "x").ok());  // an artifact, whatever its name
  std::ofstream(directory_ + "/1/0/4.upload") << "cut";
  std::ofstream(directory_ + "/1/0/notes.txt") << "not ours";
  std::ofstream(directory_ + "/1/0/01-a") << "not ours";
  Reopen({.total_bytes = 10});
  ASSERT_TRUE(files_
                  ->Sweep([](const TrialKey& key) {
                    if (key.study == 2) return TrialStanding::kGone;
                    return key.trial == 2 ? TrialStanding::kEnded : TrialStanding::kUnfinished;
                  })
                  .ok());
  EXPECT_THAT(Names(),
              UnorderedElementsAre("1/0/1-a", "1/0/3-7.upload", "1/0/notes.txt", "1/0/01-a", "1/1/1-a", "1/2/1-a"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/2"));
  EXPECT_EQ(files_->bytes(), 10);
  EXPECT_TRUE(Put({1, 1}, "a", 2, "1").ok());
  EXPECT_THAT(List({1, 2}), IsEmpty()) << "it has ended, so it is the first to go";
}

TEST_F(ArtifactFilesTest, ANewStartKeepsABoundThatIsTighterThanBefore) {
  for (int64_t trial = 0; trial < 3; ++trial) EXPECT_TRUE(Put({1, trial}, "a", 1, "1234").ok());
  Reopen({.total_bytes = 8});
  const auto standing = [](const TrialKey& key) {
    return key.trial == 1 ? TrialStanding::kEnded : TrialStanding::kUnfinished;
  };
  ASSERT_TRUE(files_->Sweep(standing).ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0/1-a", "1/2/1-a"));
  EXPECT_EQ(files_->bytes(), 8);
}

TEST_F(ArtifactFilesTest, AFolderThatCannotBeMadeIsToldWithItsPath) {
  std::ofstream(directory_ + "/1") << "in the way";
  const absl::Status status = Put({1, 0}, "a", 1, "x");
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory_ + "/1"));
}

TEST_F(ArtifactFilesTest, ManyThreadsMayWriteReadAndDelete) {
  std::vector<std::thread> threads;
  for (int64_t trial = 0; trial < 4; ++trial) {
    threads.emplace_back([this, trial] {
      for (int64_t step = 0; step < 20; ++step) {
        EXPECT_TRUE(Put({1, trial}, "a", step, "0123456789").ok());
        EXPECT_EQ(Read({1, trial}, "a", step), absl::StrCat(step, ":0123456789"));
        if (step == 10) files_->SetEnded({1, trial});
        if (step == 15 && trial == 0) files_->DeleteStudy(2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(files_->bytes(), 4 * 20 * 10);
}

}  // namespace
}  // namespace athanor
