// Attempts of one trial that print in turns, because the end of one comes after the beginning of the next.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "tests/server/store/trial_log_fixture.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using TrialLogAttemptsTest = TrialLogTest;

TEST_F(TrialLogAttemptsTest, EachGoesOnAtItsOwnOffset) {
  EXPECT_EQ(Append(5, 0, "old"), 3);
  EXPECT_EQ(Append(8, 0, "new"), 3);
  EXPECT_EQ(Append(5, 3, " end"), 7);
  EXPECT_EQ(Append(8, 3, "er"), 5);
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    EXPECT_EQ(Append(5, 0, "old end"), 7) << "a repeat";
    EXPECT_EQ(Append(8, 0, "newer"), 5);
    EXPECT_EQ(Append(5, 2, "d"), 7);
    EXPECT_THAT(ReadAll(), ElementsAre("5:old", "8:new", "5: end", "8:er"));
  }
  EXPECT_EQ(Append(5, 4, "end of it"), 13) << "what overlaps is skipped";
  EXPECT_EQ(Append(3, 0, "first"), 5) << "the oldest attempt may come last";
  EXPECT_THAT(ReadAll(), ElementsAre("5:old", "8:new", "5: end", "8:er", "5: of it", "3:first"));
}

TEST_F(TrialLogAttemptsTest, GapsAreCountedByAttempt) {
  Append(5, 0, "a");
  Append(8, 10, "b");
  Append(5, 4, "c");
  Append(8, 11, "d");
  Append(5, 9, "");
  EXPECT_THAT(ReadAll(), ElementsAre("5:a", "8+10:b", "5+3:c", "8:d", "5+4:"));
}

TEST_F(TrialLogAttemptsTest, AReaderOfOneAttemptHasItInOnePiece) {
  Append(5, 0, "ab");
  Append(8, 0, "x");
  Append(5, 2, "cd");
  LogCursor cursor;
  cursor.only = 5;
  EXPECT_THAT(ReadOn(cursor), ElementsAre("5:abcd"));
  Append(8, 1, "y");
  Append(5, 4, "e");
  EXPECT_THAT(ReadOn(cursor), ElementsAre("5:e"));
}

TEST_F(TrialLogAttemptsTest, AnotherReaderHasWhatCameBehindThePieceOfTheFirst) {
  Append(5, 0, "0123");
  Append(8, 0, "abcd");
  Append(5, 4, "4567");
  Append(8, 6, "gh");
  Append(5, 8, "89");
  Append(8, 12, "");
  struct Case {
    Token token;
    int64_t end;
    std::vector<std::string> pieces;
  };
  const std::vector<Case> cases = {{5, 2, {"5:23", "8:abcd", "5:4567", "8+2:gh", "5:89", "8+4:"}},
                                   {5, 4, {"8:abcd", "5:4567", "8+2:gh", "5:89", "8+4:"}},
                                   {8, 3, {"8:d", "5:4567", "8+2:gh", "5:89", "8+4:"}},
                                   {8, 4, {"5:4567", "8+2:gh", "5:89", "8+4:"}},
                                   {5, 6, {"5:67", "8+2:gh", "5:89", "8+4:"}},
                                   {5, 8, {"8+2:gh", "5:89", "8+4:"}},
                                   {8, 7, {"8:h", "5:89", "8+4:"}},
                                   {8, 8, {"5:89", "8+4:"}},
                                   {5, 10, {"8+4:"}},
                                   {8, 12, {}}};
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    for (const Case& wanted : cases) {
      EXPECT_EQ(ReadBehind(wanted.token, wanted.end), wanted.pieces) << wanted.token << " " << wanted.end;
    }
  }
  Append(5, 10, "late");
  EXPECT_THAT(ReadBehind(8, 12), ElementsAre("5:late"));
}

TEST_F(TrialLogAttemptsTest, BehindAPieceThatIsGoneComesAllThatIsKept) {
  const std::string a(400, 'a'), b(400, 'b'), c(40, 'c'), d(400, 'd'), e(400, 'e');
  LogCursor reader;
  Append(5, 0, a);
  Append(8, 0, b);    // half of the limit is 512 bytes: this begins another file
  Append(5, 400, c);  // fits behind
  EXPECT_THAT(ReadBehind(5, 400), ElementsAre("8:" + b, "5:" + c));
  EXPECT_THAT(ReadOn(reader), ElementsAre("5:" + a, "8:" + b, "5:" + c));
  Append(8, 400, d);  // takes the file of `a` away
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    EXPECT_THAT(ReadBehind(5, 400), ElementsAre("8:" + b, "5:" + c, "8:" + d));
    EXPECT_THAT(ReadBehind(5, 200), ElementsAre("8:" + b, "5+200:" + c, "8:" + d));
    EXPECT_THAT(ReadBehind(8, 400), ElementsAre("5+400:" + c, "8:" + d)) << "what was read of 5 is not known";
  }
}

TEST_F(TrialLogAttemptsTest, AnAttemptOfWhichNothingIsKeptMayPrintOnAndIsNotReadTwice) {
  const std::string b(400, 'b'), c(400, 'c');
  LogCursor reader;
  Append(5, 0, "read");
  Append(8, 0, b);
  EXPECT_THAT(ReadOn(reader), ElementsAre("5:read", "8:" + b));
  Append(8, 400, c);  // 5 is in the older file
  EXPECT_EQ(Append(5, 0, "read"), 4) << "a repeat";
  Append(8, 800, b);  // and gone
  EXPECT_EQ(Append(5, 4, "on"), 6);
  EXPECT_THAT(ReadBehind(5, 4), ElementsAre("8+400:" + c, "8:" + b, "5:on"));
  Append(8, 1200, c);
  Append(8, 1600, b);
  EXPECT_EQ(Append(5, 0, "read"), 4) << "taken for new";
  EXPECT_THAT(ReadOn(reader), ElementsAre("8+800:" + c, "8:" + b)) << "but passed over by who has it";
  Reopen();
  EXPECT_EQ(Append(5, 0, "read"), 4);
  EXPECT_THAT(ReadAll(), ElementsAre("8+1200:" + c, "8:" + b, "5:read"));
}

// What attempt `token` prints as its byte `offset`.
char ByteOf(Token token, int64_t offset) { return static_cast<char>('a' + (token * 7 + offset * 5) % 26); }

using Byte = std::pair<Token, int64_t>;

// A reader, and all that it has read.
struct Client {
  bool keeps_cursor = false;  // else it is cut off after every piece, and goes on behind that
  bool all_is_kept = false;   // then no byte is called dropped that was read
  LogCursor cursor;
  std::map<Token, int64_t> ends;
  std::set<Byte> read;

  void Reconnect() {
    LogCursor fresh;
    fresh.token = cursor.token;
    if (fresh.token != 0) fresh.ends[fresh.token] = cursor.ends[fresh.token];
    cursor = fresh;
  }

  // False if there was nothing more, or what came is wrong.
  bool Read(TrialLog& log, size_t max_bytes) {
    if (!keeps_cursor) Reconnect();
    const auto piece = log.Read(cursor, max_bytes);
    EXPECT_TRUE(piece.ok()) << piece.status();
    if (!piece.ok() || piece->token == 0) return false;
    const int64_t begin = piece->end - static_cast<int64_t>(piece->data.size());
    const int64_t gap = begin - std::exchange(ends[piece->token], piece->end);
    EXPECT_GE(gap, 0);
    EXPECT_GE(piece->dropped_bytes, gap);
    if (all_is_kept) {
      EXPECT_EQ(piece->dropped_bytes, gap);
    }
    for (int64_t offset = begin; offset < piece->end; ++offset) {
      EXPECT_EQ(piece->data[static_cast<size_t>(offset - begin)], ByteOf(piece->token, offset));
      EXPECT_TRUE(read.emplace(piece->token, offset).second) << "byte " << offset << " of " << piece->token;
    }
    return !::testing::Test::HasFailure();
  }
};

class TrialLogTurnsTest : public TrialLogTest, public ::testing::WithParamInterface<int64_t> {
 protected:
  // Something that one of four attempts prints next, or printed last, or both, or after a gap.
  void AppendAny(Random& random) {
    const auto token = static_cast<Token>(1 + random.Below(4));
    int64_t& next = next_[token];
    int64_t offset = next;
    // Of an attempt of which nothing may be kept, a repeat would be taken for new.
    const bool repeats = random.Below(3) == 0 && (keeps_all() || token == last_);
    if (repeats) offset -= static_cast<int64_t>(random.Below(static_cast<uint64_t>(next) + 1));
    if (!repeats && random.Below(4) == 0) offset += static_cast<int64_t>(random.Below(30));
    std::string data(random.Below(60), ' ');
    for (size_t i = 0; i < data.size(); ++i) data[i] = ByteOf(token, offset + static_cast<int64_t>(i));
    const int64_t end = offset + static_cast<int64_t>(data.size());
    for (int64_t byte = std::max(offset, next); byte < end; ++byte) printed_.emplace(token, byte);
    next = std::max(next, end);
    last_ = token;
    EXPECT_EQ(Append(token, offset, data), next);
  }
  bool keeps_all() const { return GetParam() > 1024; }

  std::map<Token, int64_t> next_;
  Token last_ = 0;
  std::set<Byte> printed_;
};

TEST_P(TrialLogTurnsTest, EveryByteThatIsKeptIsReadOnceAcrossReconnectionsAndRestarts) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    log_->Delete(total_);
    Reopen(GetParam());
    next_.clear();
    printed_.clear();
    Random random(seed);
    std::vector<Client> clients(2);
    clients[0].keeps_cursor = true;
    for (Client& client : clients) client.all_is_kept = keeps_all();
    for (int step = 0; step < 150; ++step) {
      const uint64_t kind = random.Below(12);
      if (kind == 0) {
        Reopen(GetParam());
        clients[0].Reconnect();  // its cursor ended with the log
      } else if (kind < 6) {
        clients[kind % 2].Read(*log_, 1 + random.Below(80));
      } else {
        AppendAny(random);
      }
    }
    Client late;
    while (late.Read(*log_, 1000)) {
    }
    for (Client& client : clients) {
      while (client.Read(*log_, 1 + random.Below(80))) {
      }
      if (keeps_all()) {
        EXPECT_EQ(client.read, printed_);
      }
      EXPECT_TRUE(std::ranges::includes(client.read, late.read)) << "all that is kept was read";
    }
    EXPECT_FALSE(late.read.empty());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kept, TrialLogTurnsTest, ::testing::Values(TrialLog::kSmallestLimit, 1 << 20));

}  // namespace
}  // namespace athanor
