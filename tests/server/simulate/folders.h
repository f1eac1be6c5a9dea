// Folders of recorded curves, written for a test and removed after it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace athanor::testing {

class Folder {
 public:
  Folder(const std::string& name, const std::string& space, const std::string& configs, const std::string& curves)
      : path_(::testing::TempDir() + "curves-" + name + "-" + std::to_string(getpid())) {
    std::filesystem::create_directories(path_);
    std::ofstream(path_ + "/space.yaml") << space;
    Compress(path_ + "/configs.csv.gz", configs);
    Compress(path_ + "/curves.csv.gz", curves);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }

 private:
  static void Compress(const std::string& path, const std::string& text) {
    gzFile file = gzopen(path.c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    EXPECT_EQ(gzclose(file), Z_OK);
  }

  const std::string path_;
};

}  // namespace athanor::testing
