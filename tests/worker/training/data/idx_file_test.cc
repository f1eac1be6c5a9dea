#include "worker/training/data/idx_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/worker/training/test_data.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

std::string ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

void ReadAll(const std::filesystem::path& path, size_t dimensions) {
  IdxReader reader(path, dimensions);
  int64_t count = 1;
  for (const int64_t size : reader.dimensions()) count *= size;
  std::vector<uint8_t> elements(static_cast<size_t>(count));
  reader.Read(elements.data(), elements.size());
  reader.ExpectEnd();
}

TEST(IdxReader, ReadsPlainAndCompressedAlike) {
  const TemporaryFolder folder;
  const std::string bytes = IdxBytes(8, {2, 1, 3}, "abcdef");
  WriteFile(folder.path() / "plain", bytes);
  WriteGzip(folder.path() / "compressed", bytes);
  for (const char* name : {"plain", "compressed"}) {
    IdxReader reader(folder.path() / name, 3);
    EXPECT_EQ(reader.dimensions(), (std::vector<int64_t>{2, 1, 3})) << name;
    std::string elements(6, '?');
    reader.Read(reinterpret_cast<uint8_t*>(elements.data()), 4);
    reader.Read(reinterpret_cast<uint8_t*>(elements.data()) + 4, 2);
    reader.ExpectEnd();
    EXPECT_EQ(elements, "abcdef") << name;
  }
}

TEST(IdxReader, ReadsSizesAsBigEndian) {
  const TemporaryFolder folder;
  WriteFile(folder.path() / "f", IdxBytes(8, {0x010203}, ""));
  EXPECT_EQ(IdxReader(folder.path() / "f", 1).dimensions(), std::vector<int64_t>{66051});
}

struct BadFile {
  const char* what;
  std::string bytes;
  const char* expected;
};

TEST(IdxReader, RefusesWhatIsNotSuchAFileNamingTheOffset) {
  const BadFile files[] = {
      {"empty", "", "at byte 0: truncated: 4 bytes more"},
      {"text", "hello, world", "at byte 0: not an IDX file"},
      {"floats", IdxBytes(0x0d, {1}, "abcd"), "at byte 2: IDX element type 13; want 8"},
      {"three dimensions for one", IdxBytes(8, {1, 1, 1}, "a"), "at byte 3: 3 dimensions; want 1"},
      {"header cut off", std::string("\0\0\x08\x01\0", 5), "at byte 5: truncated: 3 bytes more"},
      {"no items", IdxBytes(8, {0}, ""), "at byte 4: dimension 0 is empty"},
      {"elements cut off", IdxBytes(8, {5}, "abc"), "at byte 11: truncated: 2 bytes more"},
      {"elements too many", IdxBytes(8, {2}, "abc"), "at byte 10: more data than the header promises"},
  };
  const TemporaryFolder folder;
  for (const BadFile& file : files) {
    const std::filesystem::path path = folder.path() / "f";
    WriteFile(path, file.bytes);
    const std::string error = ErrorOf([&] { ReadAll(path, 1); });
    EXPECT_THAT(error, HasSubstr(file.expected)) << file.what;
    EXPECT_THAT(error, HasSubstr(path.string())) << file.what;
  }
}

TEST(IdxReader, RefusesATruncatedCompressedFile) {
  const TemporaryFolder folder;
  std::string noise(20000, '\0');
  Random random(1);
  for (char& c : noise) c = static_cast<char>(random.Next());
  WriteGzip(folder.path() / "whole", IdxBytes(8, {20000}, noise));
  const std::string compressed = ReadFile(folder.path() / "whole");
  WriteFile(folder.path() / "cut", compressed.substr(0, compressed.size() / 2));
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.path() / "cut", 1); }), HasSubstr("truncated"));
}

TEST(IdxReader, RefusesADamagedCompressedFile) {
  const TemporaryFolder folder;
  WriteGzip(folder.path() / "whole", IdxBytes(8, {4000}, std::string(4000, 'x')));
  std::string compressed = ReadFile(folder.path() / "whole");
  compressed[compressed.size() - 6] ^= 0x55;  // the check sum at the end
  WriteFile(folder.path() / "damaged", compressed);
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.path() / "damaged", 1); }), HasSubstr("cannot read"));
}

TEST(IdxReader, NamesAMissingFile) {
  EXPECT_THAT(ErrorOf([] { IdxReader("/nonexistent/file", 1); }),
              HasSubstr("/nonexistent/file: cannot open: No such file"));
}

TEST(FindIdxFile, PrefersThePlainFile) {
  const TemporaryFolder folder;
  WriteFile(folder.path() / "a.gz", "");
  EXPECT_EQ(FindIdxFile(folder.path(), "a"), folder.path() / "a.gz");
  WriteFile(folder.path() / "a", "");
  EXPECT_EQ(FindIdxFile(folder.path(), "a"), folder.path() / "a");
  EXPECT_THAT(ErrorOf([&] { FindIdxFile(folder.path(), "b"); }), HasSubstr("/b: no such file, with or without .gz"));
}

}  // namespace
}  // namespace athanor::training
