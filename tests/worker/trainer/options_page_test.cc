#include "worker/trainer/commands/options_page.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace athanor {
namespace {

TEST(OptionsPage, IsWhatTheRepositoryHas) {
  std::ifstream in(ATHANOR_OPTIONS_PAGE);
  const std::string page{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(page, OptionsPage()) << "to renew it: athanor-trainer options > worker/OPTIONS.md";
}

}  // namespace
}  // namespace athanor
