#include "worker/session/trial_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace athanor::session {
namespace {

TEST(TrialFolder, APathLiesInItAsItIsWritten) {
  struct Case {
    const char* path;
    bool lies_in;
  };
  const Case cases[] = {{"/w/trials/1/a", true},
                        {"/w/trials/1/b/a", true},
                        {"/w/trials/1/b/../a", true},
                        {"/w/trials/1/../1/a", true},
                        {"/w/trials/1", false},
                        {"/w/trials/1/", false},
                        {"/w/trials/1/../2/a", false},
                        {"/w/trials/10/a", false},
                        {"/w/trials/1/../../x", false},
                        {"/etc/passwd", false},
                        {"", false},
                        {"a", false},
                        {"/w/trials/1/./b/../../1x/a", false}};
  for (const Case& one : cases) {
    EXPECT_EQ(LiesIn("/w/trials/1", one.path), one.lies_in) << one.path;
    EXPECT_EQ(LiesIn("/w//trials/./1/", one.path), one.lies_in) << one.path;
  }
}

TEST(TrialFolder, ARelativeFolderHoldsWhatIsBelowTheWorkingDirectory) {
  EXPECT_TRUE(LiesIn("trials/1", "trials/1/a"));
  EXPECT_TRUE(LiesIn("trials/1", (std::filesystem::current_path() / "trials/1/a").string()));
  EXPECT_FALSE(LiesIn("trials/1", "a"));
}

TEST(TrialFolder, OnlyWhatLiesInItIsRemoved) {
  std::string folder = ::testing::TempDir() + "athanor-folder-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::filesystem::create_directories(folder + "/1");
  for (const char* name : {"/1/a", "/b"}) std::ofstream(folder + name) << "x";
  for (const char* name : {"/1/a", "/1/none", "/1/../b", "/1"}) RemoveIfIn(folder + "/1", folder + name);
  RemoveIfIn(folder + "/1", "");
  EXPECT_FALSE(std::filesystem::exists(folder + "/1/a"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/1"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/b"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace athanor::session
