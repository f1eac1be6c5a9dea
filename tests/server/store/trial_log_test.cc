#include "server/store/trial_log.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/server/store/trial_log_fixture.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(TrialLogTest, AdjoiningAppendsReadAsOnePiece) {
  EXPECT_EQ(Append(1, 0, "one\n"), 4);
  EXPECT_EQ(Append(1, 4, "two\n"), 8);
  EXPECT_EQ(Append(3, 0, "three\n"), 6);
  EXPECT_THAT(ReadAll(), ElementsAre("1:one\ntwo\n", "3:three\n"));
  EXPECT_THAT(ReadAll(3), ElementsAre("1:one", "1:\ntw", "1:o\n", "3:thr", "3:ee\n"));
  EXPECT_EQ(log_->bytes(), 14 + 3 * kHeader);
  EXPECT_EQ(total_, log_->bytes());
}

TEST_F(TrialLogTest, GapsAreCountedByTheOffsetThatJumpsAhead) {
  EXPECT_EQ(Append(1, 100, "a"), 101);
  EXPECT_EQ(Append(1, 150, "b"), 151);
  EXPECT_EQ(Append(1, 200, ""), 200);
  EXPECT_EQ(Append(2, 0, "c"), 1);
  EXPECT_THAT(ReadAll(), ElementsAre("1+100:a", "1+49:b", "1+49:", "2:c"));
}

TEST_F(TrialLogTest, RepeatedAppendsChangeNothingAlsoAfterARestart) {
  struct Case {
    int64_t offset;
    const char* data;
    int64_t next;
  };
  Append(5, 0, "0123456789");
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    for (const Case& repeat : {Case{0, "0123456789", 10}, {3, "34", 10}, {10, "", 10}, {0, "", 10}}) {
      EXPECT_EQ(Append(5, repeat.offset, repeat.data), repeat.next) << repeat.offset << " " << repeat.data;
    }
    EXPECT_THAT(ReadAll(), ElementsAre("5:0123456789"));
  }
  EXPECT_EQ(Append(5, 8, "89AB"), 12) << "what overlaps is skipped";
  EXPECT_THAT(ReadAll(), ElementsAre("5:0123456789AB"));
}

TEST_F(TrialLogTest, AnotherReaderGoesOnBehindThePieceOfTheFirst) {
  Append(5, 0, "0123456789");
  Append(5, 20, "abcdef");
  Append(8, 0, "next");
  struct Case {
    Token token;
    int64_t end;
    std::vector<std::string> pieces;
  };
  const std::vector<Case> cases = {{0, 0, {"5:0123456789", "5+10:abcdef", "8:next"}},
                                   {5, 4, {"5:456789", "5+10:abcdef", "8:next"}},
                                   {5, 10, {"5+10:abcdef", "8:next"}},
                                   {5, 15, {"5+5:abcdef", "8:next"}},
                                   {5, 23, {"5:def", "8:next"}},
                                   {5, 26, {"8:next"}},
                                   {5, 99, {"8:next"}},  // a crash of the machine took its end
                                   {6, 3, {"5:0123456789", "5+10:abcdef", "8:next"}},  // of which nothing is kept
                                   {8, 2, {"8:xt"}},
                                   {8, 4, {}}};
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    for (const Case& wanted : cases) {
      EXPECT_EQ(ReadBehind(wanted.token, wanted.end), wanted.pieces) << wanted.token << " " << wanted.end;
    }
  }
}

TEST_F(TrialLogTest, KeepsTheNewestHalfOfItsLimitAndSaysWhatIsGone) {
  int64_t offset = 0;
  for (int i = 0; i < 30; ++i) offset = Append(1, offset, std::string(99, static_cast<char>('a' + i % 26)) + "\n");
  EXPECT_EQ(offset, 3000);
  // 124 bytes a record: four fit into half of the limit. Records 28 and 29 are in the newest file, 24 to 27 before.
  EXPECT_EQ(log_->bytes(), 6 * 124);
  EXPECT_EQ(total_, 6 * 124);
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    const auto pieces = ReadAll();
    ASSERT_THAT(pieces, ::testing::SizeIs(2)) << "one a file";
    EXPECT_TRUE(pieces[0].starts_with("1+2400:yyy")) << pieces[0];
    EXPECT_EQ(pieces[0].size(), std::string("1+2400:").size() + 400);
    EXPECT_TRUE(pieces[1].starts_with("1:ccc")) << pieces[1];
    EXPECT_EQ(Append(1, 2900, std::string(100, 'x')), 3000);
  }
}

TEST_F(TrialLogTest, AnAppendLargerThanItsLimitIsKeptInParts) {
  EXPECT_EQ(Append(1, 0, std::string(3000, 'x')), 3000);
  EXPECT_LE(log_->bytes(), 1024);
  // Parts of 488 bytes, half of the limit less a header; 3000 = 6 * 488 + 72. The last two are kept.
  EXPECT_THAT(ReadAll(), ElementsAre("1+2440:" + std::string(488, 'x'), "1:" + std::string(72, 'x')));
}

TEST_F(TrialLogTest, AReaderThatFellBehindGoesOnWithWhatIsLeft) {
  LogCursor cursor;
  Append(1, 0, std::string(400, 'a'));
  EXPECT_THAT(ReadOn(cursor, 150), ::testing::SizeIs(3));
  Append(1, 400, std::string(400, 'b'));
  Append(1, 800, std::string(400, 'c'));
  Append(1, 1200, std::string(400, 'd'));
  EXPECT_THAT(ReadOn(cursor), ElementsAre("1+400:" + std::string(400, 'c'), "1:" + std::string(400, 'd')));
  EXPECT_THAT(ReadOn(cursor), IsEmpty());
  Append(1, 1600, "end");
  EXPECT_THAT(ReadOn(cursor), ElementsAre("1:end"));
}

TEST_F(TrialLogTest, AReaderOfOneAttemptPassesOverTheOthers) {
  Append(1, 0, "first");
  Append(2, 0, "second");
  Append(3, 0, "third");
  LogCursor second;
  second.only = 2;
  EXPECT_THAT(ReadOn(second), ElementsAre("2:second"));
  LogCursor nobody;
  nobody.only = 9;
  EXPECT_THAT(ReadOn(nobody), IsEmpty());
}

TEST_F(TrialLogTest, ARecordThatACrashCutOffIsDropped) {
  Append(1, 0, "whole");
  Append(1, 5, "cut off in the middle");
  std::filesystem::resize_file(directory_ + "/7.log", 5 + 21 + 2 * kHeader - 3);
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("1:whole"));
  EXPECT_EQ(Append(1, 5, " again"), 11);
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("1:whole again"));
}

TEST_F(TrialLogTest, WhatIsNoLogReadsAsEmptyAndIsReplaced) {
  std::ofstream(directory_ + "/7.log") << "this was written by somebody else, who did not know the format";
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_EQ(Append(1, 0, "ours"), 4);
  EXPECT_THAT(ReadAll(), ElementsAre("1:ours"));
}

TEST_F(TrialLogTest, IsGoneForGoodOnceDeleted) {
  Append(1, 0, std::string(400, 'a'));
  Append(1, 400, std::string(400, 'b'));
  log_->Delete(total_);
  EXPECT_EQ(total_, 0);
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(log_->Append(1, 800, "c", total_).status()));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(TrialLogTest, AFailedWriteLeavesTheLogAsItWas) {
  log_ = std::make_unique<TrialLog>(directory_ + "/missing/7", 1024);
  EXPECT_TRUE(absl::IsUnavailable(log_->Append(1, 0, "a", total_).status()));
  EXPECT_EQ(total_, 0);
  std::filesystem::create_directory(directory_ + "/missing");
  EXPECT_EQ(Append(1, 0, "a"), 1);
  EXPECT_THAT(ReadAll(), ElementsAre("1:a"));
}

}  // namespace
}  // namespace athanor
