// What a coordinator left on its disk.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace athanor {

// Every row of every table, and the schema's version; without times and without what a restart makes anew. May be read
// while a coordinator runs. Throws SQLite::Exception.
std::string StoredFacts(const std::filesystem::path& database);

// The hashes that rows of checkpoints name, and the names of the files in `directory`.
std::set<std::string> CheckpointRows(const std::filesystem::path& database);
std::set<std::string> FileNames(const std::filesystem::path& directory);

// The first line in which two texts differ, with its number; "" if they are equal.
std::string FirstDifference(const std::string& actual, const std::string& expected);

}  // namespace athanor
