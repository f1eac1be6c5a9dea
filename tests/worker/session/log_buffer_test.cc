#include "worker/session/log_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// What leaves the buffer when every part is acknowledged: (offset, data).
std::vector<std::pair<int64_t, std::string>> Drain(LogBuffer& buffer) {
  std::vector<std::pair<int64_t, std::string>> parts;
  while (!buffer.empty()) {
    parts.emplace_back(buffer.front_offset(), buffer.front());
    buffer.Acknowledge(buffer.front_offset() + static_cast<int64_t>(buffer.front().size()));
  }
  return parts;
}

TEST(LogBufferTest, GivesBackWhatFitsInParts) {
  LogBuffer buffer(10);
  EXPECT_TRUE(buffer.empty());
  buffer.Append("0123");
  buffer.Append("456789abcdef");
  EXPECT_THAT(Drain(buffer), ElementsAre(Pair(0, "0123456789"), Pair(10, "abcdef")));
  EXPECT_TRUE(buffer.empty());
  buffer.Append("g");
  EXPECT_THAT(Drain(buffer), ElementsAre(Pair(16, "g")));
}

struct Flood {
  std::vector<std::string> appended;
  std::string head;
  int64_t tail_offset;
  std::string tail;
};

std::string HeadMiddleAndTail() {
  std::string bytes(10, 'h');
  bytes.append(1000, 'm');
  return bytes.append("0123456789");
}

class LogBufferFloodTest : public ::testing::TestWithParam<Flood> {};

TEST_P(LogBufferFloodTest, LosesTheMiddle) {
  LogBuffer buffer(10);
  for (const std::string& bytes : GetParam().appended) buffer.Append(bytes);
  EXPECT_THAT(Drain(buffer), ElementsAre(Pair(0, GetParam().head), Pair(GetParam().tail_offset, GetParam().tail)));
}

INSTANTIATE_TEST_SUITE_P(
    All, LogBufferFloodTest,
    ::testing::Values(
        // All at once.
        Flood{{HeadMiddleAndTail()}, "hhhhhhhhhh", 1010, "0123456789"},
        // The tail may grow to 20 bytes; with 21 it is cut to 10, and to a part when it becomes the head.
        Flood{{"hhhhhhhhhh", "0123456789", "0123456789", "x"}, "hhhhhhhhhh", 21, "123456789x"},
        Flood{{"hhhhhhhhhh", "0123456789", "abc"}, "hhhhhhhhhh", 13, "3456789abc"},
        // At a line's beginning where there is one.
        Flood{{"hhhhhhhhhh", "one\n", "two\n", "three\n"}, "hhhhhhhhhh", 18, "three\n"},
        Flood{{"hhhhhhhhhh", "0123456789abcdefghi\n"}, "hhhhhhhhhh", 20, "abcdefghi\n"}));

TEST(LogBufferTest, APartThatIsAcknowledgedInPartGoesOnFromThere) {
  LogBuffer buffer(10);
  buffer.Append("0123456789");
  buffer.Acknowledge(4);
  EXPECT_EQ(buffer.front_offset(), 4);
  EXPECT_EQ(buffer.front(), "456789");
  buffer.Append("abcd");
  EXPECT_THAT(Drain(buffer), ElementsAre(Pair(4, "456789abcd")));
}

TEST(LogBufferTest, AcknowledgementsOfWhatIsNotThereAreHarmless) {
  LogBuffer buffer(10);
  buffer.Append("0123");
  buffer.Acknowledge(2);
  buffer.Acknowledge(0);
  EXPECT_EQ(buffer.front(), "23");
  buffer.Acknowledge(99);
  EXPECT_TRUE(buffer.empty());
  buffer.Append("45");
  EXPECT_THAT(Drain(buffer), ElementsAre(Pair(4, "45")));
}

TEST(LogBufferTest, WhatIsAppendedWhileAPartIsUnderWayFollowsIt) {
  LogBuffer buffer(10);
  buffer.Append("0123");
  const int64_t sent = buffer.front_offset() + static_cast<int64_t>(buffer.front().size());
  buffer.Append("456");
  buffer.Acknowledge(sent);
  EXPECT_THAT(Drain(buffer), ElementsAre(Pair(4, "456")));
}

}  // namespace
}  // namespace athanor::session
