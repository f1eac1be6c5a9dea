// One trial's log in a folder of its own, and what is read of it as text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/trial_log.h"

namespace athanor {

class TrialLogTest : public ::testing::Test {
 protected:
  TrialLogTest() {
    std::string name = (std::filesystem::temp_directory_path() / "athanor-log-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    Reopen();
  }
  ~TrialLogTest() override { std::filesystem::remove_all(directory_); }

  // As a coordinator that starts again does.
  void Reopen(int64_t limit_bytes = 1024) { log_ = std::make_unique<TrialLog>(directory_ + "/7", limit_bytes); }

  int64_t Append(Token token, int64_t offset, const std::string& data) {
    const auto next = log_->Append(token, offset, data, total_);
    EXPECT_TRUE(next.ok()) << next.status();
    return next.value_or(-1);
  }

  // "TOKEN:DATA" or "TOKEN+DROPPED:DATA" of every piece behind the cursor.
  std::vector<std::string> ReadOn(LogCursor& cursor, size_t max_bytes = 10000) {
    std::vector<std::string> pieces;
    while (true) {
      const auto piece = log_->Read(cursor, max_bytes);
      EXPECT_TRUE(piece.ok()) << piece.status();
      if (!piece.ok() || piece->token == 0) return pieces;
      const std::string dropped = piece->dropped_bytes == 0 ? "" : absl::StrCat("+", piece->dropped_bytes);
      pieces.push_back(absl::StrCat(piece->token, dropped, ":", piece->data));
    }
  }
  // Behind the last piece of another reader.
  std::vector<std::string> ReadBehind(Token token, int64_t end) {
    LogCursor cursor;
    cursor.token = token;
    cursor.ends[token] = end;
    return ReadOn(cursor);
  }
  std::vector<std::string> ReadAll(size_t max_bytes = 10000) {
    LogCursor cursor;
    return ReadOn(cursor, max_bytes);
  }

  static constexpr int64_t kHeader = 24;  // bytes of a record before its data

  std::string directory_;
  std::atomic<int64_t> total_ = 0;
  std::unique_ptr<TrialLog> log_;
};

}  // namespace athanor
