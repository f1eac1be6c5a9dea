#include "server/store/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LogFilesTest : public ::testing::Test {
 protected:
  LogFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "athanor-logs-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    Reopen();
  }
  ~LogFilesTest() override { std::filesystem::remove_all(directory_); }

  void Reopen(int64_t total_bytes = 1 << 20) {
    files_ = *LogFiles::Open(directory_, {.trial_bytes = 1024, .total_bytes = total_bytes});
  }

  void Append(const LogKey& key, const std::string& data, int64_t offset = 0,
              TrialStanding standing = TrialStanding::kUnfinished) {
    const auto next = files_->Append(key, 1, offset, data, standing);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(*next, offset + static_cast<int64_t>(data.size()));
  }

  std::string Read(const LogKey& key) {
    LogCursor cursor;
    std::string text;
    while (true) {
      const auto piece = files_->Read(key, cursor, 100);
      EXPECT_TRUE(piece.ok()) << piece.status();
      if (!piece.ok() || piece->token == 0) return text;
      text += piece->data;
    }
  }

  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.is_regular_file()) names.insert(std::filesystem::relative(entry.path(), directory_));
    }
    return names;
  }

  std::string directory_;
  std::unique_ptr<LogFiles> files_;
};

TEST_F(LogFilesTest, EachTrialHasItsOwnLog) {
  Append({1, 0}, "one");
  Append({1, 10}, "ten");
  Append({2, 0}, "other study");
  EXPECT_EQ(Read({1, 0}), "one");
  EXPECT_EQ(Read({1, 10}), "ten");
  EXPECT_EQ(Read({2, 0}), "other study");
  EXPECT_EQ(Read({1, 1}), "");
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/10.log", "2/0.log"));
  EXPECT_EQ(files_->bytes(), 17 + 3 * 24);
}

TEST_F(LogFilesTest, DeletedStudyTakesItsLogsAlongAndGetsNoNewOnes) {
  Append({1, 0}, "a");
  Append({1, 1}, "b");
  Append({2, 0}, "c");
  files_->DeleteStudy(1);
  EXPECT_THAT(Names(), ElementsAre("2/0.log"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/1"));
  EXPECT_TRUE(absl::IsNotFound(files_->Append({1, 0}, 1, 1, "late", TrialStanding::kEnded).status()));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/1"));
  EXPECT_EQ(files_->bytes(), 25);
}

TEST_F(LogFilesTest, OldestEndedLogsGoFirstWhenAllAreTooLarge) {
  Reopen(4 * 124);
  for (TrialNumber trial = 0; trial < 4; ++trial) Append({1, trial}, std::string(100, 'x'));
  files_->SetEnded({1, 2});
  files_->SetEnded({1, 1});
  Append({1, 4}, std::string(100, 'x'));
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/2.log", "1/3.log", "1/4.log")) << "1 is older than 2";
  Append({1, 5}, std::string(100, 'x'));
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/3.log", "1/4.log", "1/5.log"));
  Append({1, 0}, std::string(10, 'y'), 100);  // 134 of 530 bytes; nothing has ended, 3 was longest silent
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/4.log", "1/5.log"));
  EXPECT_EQ(files_->bytes(), 2 * 124 + 158);
}

TEST_F(LogFilesTest, AnAppendTakesATrialOutOfTheEnded) {
  Reopen(2 * 124);
  Append({1, 0}, std::string(100, 'x'));
  files_->SetEnded({1, 0});
  files_->SetEnded({1, 99});  // has no log
  Append({1, 1}, std::string(100, 'x'));
  Append({1, 0}, "", 100);  // retried
  Append({1, 2}, std::string(100, 'x'));
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/2.log"));
}

TEST_F(LogFilesTest, TheLastWordsOfATrialThatHasEndedLeaveItAmongTheEnded) {
  Reopen(124 + 158);
  Append({1, 0}, std::string(100, 'x'));
  Append({1, 1}, std::string(100, 'x'));
  files_->SetEnded({1, 1});
  Append({1, 1}, "last words", 100, TrialStanding::kEnded);
  Append({1, 2}, std::string(100, 'x'), 0, TrialStanding::kEnded);
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/2.log"));
  Append({1, 3}, std::string(100, 'x'));
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/3.log"));
}

TEST_F(LogFilesTest, ANewStartOrdersTheLogsOfAllStudiesByTheirAgeAndKeepsTheirBound) {
  for (const LogKey& key : {LogKey{1, 0}, LogKey{2, 0}, LogKey{1, 1}, LogKey{2, 1}}) Append(key, std::string(100, 'x'));
  const auto written = std::filesystem::file_time_type::clock::now();
  int age = 0;  // in seconds
  for (const char* name : {"1/1.log", "2/0.log", "1/0.log", "2/1.log"}) {
    std::filesystem::last_write_time(directory_ + "/" + name, written - std::chrono::seconds(age++));
  }
  Reopen(3 * 124);
  ASSERT_TRUE(files_->Sweep([](const LogKey&) { return TrialStanding::kUnfinished; }).ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/1.log", "2/0.log"));
  EXPECT_EQ(files_->bytes(), 3 * 124);
  Append({3, 0}, std::string(100, 'x'));
  EXPECT_THAT(Names(), UnorderedElementsAre("1/1.log", "2/0.log", "3/0.log"));
}

TEST_F(LogFilesTest, ALogThatWentForWantOfRoomSaysSoWhenItGoesOn) {
  Reopen(124);
  Append({1, 0}, std::string(100, 'x'));
  Append({1, 1}, std::string(100, 'x'));
  EXPECT_EQ(Read({1, 0}), "");
  Append({1, 0}, "more", 100);
  LogCursor cursor;
  const auto piece = files_->Read({1, 0}, cursor, 100);
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->dropped_bytes, 100);
  EXPECT_EQ(piece->data, "more");
}

TEST_F(LogFilesTest, AReaderOfALogThatWentAndCameBackGoesOnWithTheNewOne) {
  Reopen(1000);
  for (int64_t offset = 0; offset < 5000; offset += 250) Append({1, 0}, std::string(250, 'x'), offset);
  LogCursor cursor;
  while (files_->Read({1, 0}, cursor, 10000)->token != 0) {
  }
  Append({1, 1}, std::string(500, 'y'));
  ASSERT_EQ(Read({1, 0}), "");
  EXPECT_EQ(files_->Read({1, 0}, cursor, 10000)->token, 0);
  Append({1, 0}, "back", 6000);
  const auto piece = files_->Read({1, 0}, cursor, 10000);
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->dropped_bytes, 1000);
  EXPECT_EQ(piece->data, "back");
}

TEST_F(LogFilesTest, SweepTakesInWhatIsThereAndDeletesTheLogsOfWhatIsGone) {
  for (int64_t offset = 0; offset < 1000; offset += 250) Append({1, 0}, std::string(250, 'x'), offset);
  Append({1, 1}, "b");
  Append({2, 0}, "c");
  std::ofstream(directory_ + "/notes.txt") << "not ours";
  const int64_t bytes = files_->bytes();
  Reopen();
  const auto standing = [](const LogKey& key) {
    return key.study == 2 ? LogFiles::Standing::kGone : LogFiles::Standing::kEnded;
  };
  ASSERT_TRUE(files_->Sweep(standing).ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("1/0.log", "1/0.old", "1/1.log", "notes.txt"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/2"));
  EXPECT_EQ(files_->bytes(), bytes - 25);
  EXPECT_EQ(Read({1, 1}), "b");
  Append({1, 1}, "b");
  EXPECT_EQ(Read({1, 1}), "b") << "a repeat from before the restart";
}

TEST_F(LogFilesTest, FollowersAreToldOfTheirLogAloneUntilTheyLeave) {
  int first = 0, second = 0;
  const auto id = files_->Follow({1, 0}, [&] { ++first; });
  files_->Follow({1, 1}, [&] { ++second; });
  Append({1, 0}, "a");
  Append({1, 0}, "b", 1);
  Append({1, 1}, "c");
  files_->Unfollow({1, 0}, id);
  Append({1, 0}, "d", 2);
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 1);
}

TEST_F(LogFilesTest, WritersReadersAndDeletionsDoNotDisturbEachOther) {
  Reopen(16 << 10);  // tight: logs go while they are written and read
  std::vector<std::thread> threads;
  for (TrialNumber trial = 0; trial < 4; ++trial) {
    threads.emplace_back([this, trial] {
      for (int64_t line = 0; line < 200; ++line) {
        const std::string text = std::string(99, 'x') + "\n";
        EXPECT_TRUE(files_->Append({1, trial}, 1, line * 100, text, TrialStanding::kUnfinished).ok());
        if (line % 50 == 0) files_->SetEnded({1, trial});
      }
    });
    threads.emplace_back([this, trial] {
      LogCursor cursor;
      int64_t end = 0;
      for (int i = 0; i < 400; ++i) {
        const auto piece = files_->Read({1, trial}, cursor, 1000);
        ASSERT_TRUE(piece.ok()) << piece.status();
        end += piece->dropped_bytes + static_cast<int64_t>(piece->data.size());
        EXPECT_EQ(piece->data.size() % 100, 0u) << "lines are whole";
      }
      EXPECT_LE(end, 200 * 100);
    });
  }
  threads.emplace_back([this] {
    for (int i = 0; i < 100; ++i) (void)files_->Append({2, i}, 1, 0, "soon deleted", TrialStanding::kUnfinished);
    files_->DeleteStudy(2);
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(files_->bytes(), 16 << 10);
  int64_t on_disk = 0;
  for (const std::string& name : Names()) {
    on_disk += static_cast<int64_t>(std::filesystem::file_size(directory_ + "/" + name));
  }
  EXPECT_EQ(files_->bytes(), on_disk);
}

TEST_F(LogFilesTest, ADirectoryThatCannotBeUsedIsNamed) {
  std::ofstream(directory_ + "/file") << "x";
  const auto files = LogFiles::Open(directory_ + "/file", {});
  EXPECT_TRUE(absl::IsUnavailable(files.status()));
  EXPECT_THAT(std::string(files.status().message()), ::testing::HasSubstr("/file"));
}

}  // namespace
}  // namespace athanor
