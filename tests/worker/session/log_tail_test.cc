#include "worker/session/log_tail.h"

#include <gtest/gtest.h>

namespace athanor::session {
namespace {

TEST(LogTailTest, KeepsTheLastLinesAndTheUnfinishedOne) {
  LogTail log({.lines = 2, .line_bytes = 100});
  log.Append("one\ntwo\nthr");
  log.Append("ee\nfour");
  EXPECT_EQ(log.Text(), "two\nthree\nfour");
}

TEST(LogTailTest, CutsLongLinesAndReplacesControlCharacters) {
  LogTail log({.lines = 2, .line_bytes = 5});
  log.Append("a\tb\x1b[31m\n");
  EXPECT_EQ(log.Text(), "a\tb?[");
}

TEST(LogTailTest, IsValidUtf8WhateverWasWritten) {
  LogTail log({.lines = 3, .line_bytes = 3});
  log.Append("a\xff\n");
  log.Append("ab\xc3\xa4\n");  // an ä cut in two
  log.Append("\xc3\xa4\n");
  EXPECT_EQ(log.Text(), "a\xef\xbf\xbd\nab\xef\xbf\xbd\n\xc3\xa4");
}

TEST(LogTailTest, ForgetsWhenCleared) {
  LogTail log({});
  log.Append("one\ntwo");
  log.Clear();
  EXPECT_EQ(log.Text(), "");
}

}  // namespace
}  // namespace athanor::session
