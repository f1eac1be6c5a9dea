// Opens the files of a data set.
#pragma once

#include <filesystem>
#include <fstream>

namespace athanor::training {

// Throws DataError naming the file if it is none: a folder, or a pipe or device, which would block the trial or never
// end.
void RequireRegularFile(const std::filesystem::path& path);

// The file, to be read as bytes. Throws DataError naming it if it is no file or cannot be opened.
std::ifstream OpenDataFile(const std::filesystem::path& path);

}  // namespace athanor::training
