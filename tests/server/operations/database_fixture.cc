#include "tests/server/operations/database_fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/sha256.h"

namespace athanor {

DatabaseTest::DatabaseTest() : database_(directory_.File("athanor.db")) {
  std::filesystem::create_directory(checkpoint_dir());
  const auto store = MustOpen(database_);
  ChangeBatch history = AshaHistory();
  std::erase_if(history, [](const Change& change) { return std::holds_alternative<AddCheckpoint>(change); });
  EXPECT_TRUE(store->Commit(history).ok());
  EXPECT_TRUE(store->Commit(GridHistory()).ok());
  AddCheckpointOf(*store, 3, "three");
  AddCheckpointOf(*store, 9, "nine");
}

std::unique_ptr<Store> DatabaseTest::MustOpen(const std::string& path) const {
  auto store = OpenSqliteStore({.path = path});
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

void DatabaseTest::AddCheckpointOf(Store& store, int64_t step, const std::string& content) {
  WriteBytes(CheckpointPath(content), content);
  const Checkpoint checkpoint{.trial = 0,
                              .token = 5,
                              .step = step,
                              .sha256 = Sha256::Hex(content),
                              .size_bytes = static_cast<int64_t>(content.size())};
  EXPECT_TRUE(store.Commit({AddCheckpoint{1, checkpoint}}).ok());
}

std::string DatabaseTest::CheckpointPath(const std::string& content) const {
  return checkpoint_dir() + "/" + Sha256::Hex(content);
}

std::vector<std::string> DatabaseTest::Check(const std::string& path, const std::string& checkpoint_dir) const {
  CheckFileOptions options;
  options.snapshot.path = path;
  options.checkpoint_dir = checkpoint_dir;
  std::vector<std::string> lines;
  const auto summary = CheckFile(options, [&](const Finding& finding) { lines.push_back(finding.text); });
  if (!summary.ok()) return {summary.status().ToString()};
  EXPECT_EQ(summary->findings, std::ssize(lines));
  return lines;
}

std::string DatabaseTest::ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void DatabaseTest::WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void DatabaseTest::Damage(const std::string& path) {
  std::string bytes = ReadBytes(path);
  bytes.replace(bytes.size() / 2 / 4096 * 4096, 4096, std::string(4096, '\x5a'));
  WriteBytes(path, bytes);
}

std::vector<std::string> DatabaseTest::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(File(""))) {
    if (!entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace athanor
