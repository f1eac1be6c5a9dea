#include "server/coordinator/worker_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace athanor {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> NamesIn(const WorkerTable& table) {
  std::vector<std::string> names;
  for (const auto& [name, worker] : table) names.push_back(name);
  return names;
}

TEST(WorkerTableTest, WalksByNameWhateverTheOrderOfAdding) {
  WorkerTable table;
  for (const char* name : {"c", "a", "b"}) table[name].record.name = name;
  EXPECT_THAT(NamesIn(table), ElementsAre("a", "b", "c"));
  EXPECT_EQ(table.upper_bound("a")->first, "b");
  EXPECT_EQ(table.upper_bound("c"), table.end());
}

TEST(WorkerTableTest, FindsEachByItsNameUntilItIsErased) {
  WorkerTable table;
  for (int i = 0; i < 500; ++i) table[fmt::format("worker with a long name {}", i)].stream = static_cast<uint64_t>(i);
  const WorkerInMemory* kept = &table.at("worker with a long name 7");
  for (int i = 0; i < 500; i += 2) table.erase(fmt::format("worker with a long name {}", i));
  table.erase("nobody");
  EXPECT_EQ(table.size(), 250u);
  EXPECT_EQ(table.find("worker with a long name 8"), table.end());
  EXPECT_EQ(&table.find("worker with a long name 7")->second, kept);
  EXPECT_EQ(table.at("worker with a long name 499").stream, 499u);
}

TEST(WorkerTableTest, GivesTheSameWorkerForTheSameName) {
  WorkerTable table;
  table["w"].acquire_sequence = 3;
  EXPECT_EQ(table["w"].acquire_sequence, 3u);
  EXPECT_EQ(table.size(), 1u);
  table.erase("w");
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table["w"].acquire_sequence, 0u);
}

}  // namespace
}  // namespace athanor
