#include "worker/training/data/csv_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/worker/training/data/error_of.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/data/csv_file.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kSilent = [] {};

class CsvFile {
 public:
  explicit CsvFile(const std::string& text) { WriteFile(path(), text); }
  std::filesystem::path path() const { return folder_.path() / "train.csv"; }

 private:
  TemporaryFolder folder_;
};

std::vector<std::vector<std::string>> Records(const std::string& text) {
  const CsvFile file(text);
  CsvReader reader(file.path());
  std::vector<std::vector<std::string>> records = {reader.columns()};
  while (reader.Next()) records.push_back(reader.cells());
  return records;
}

TEST(CsvReader, ReadsRecordsAsRfc4180HasThem) {
  struct Case {
    const char* what;
    const char* text;
    std::vector<std::vector<std::string>> records;
  };
  const Case cases[] = {
      {"plain", "a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"CRLF and no end of line at the end", "a,b\r\n1,2\r\n3,4", {{"a", "b"}, {"1", "2"}, {"3", "4"}}},
      {"CR alone", "a,b\r10,20\r\r30,40", {{"a", "b"}, {"10", "20"}, {"30", "40"}}},
      {"quotes", "\"a,b\",c\n\"say \"\"hi\"\"\",\"\"\n", {{"a,b", "c"}, {"say \"hi\"", ""}}},
      {"a line break in a cell", "a\n\"x\r\ny\"\nz\n", {{"a"}, {"x\r\ny"}, {"z"}}},
      {"empty cells", "a,b,c\n,,\n", {{"a", "b", "c"}, {"", "", ""}}},
      {"empty lines and a byte order mark",
       "\xef\xbb\xbf"
       "a,b\n\n1,2\n\n",
       {{"a", "b"}, {"1", "2"}}},
      {"a quoted name behind a byte order mark",
       "\xef\xbb\xbf"
       "\"a,b\",c\n1,2\n",
       {{"a,b", "c"}, {"1", "2"}}},
  };
  for (const Case& c : cases) EXPECT_EQ(Records(c.text), c.records) << c.what;
}

TEST(CsvReader, CountsLinesAlsoInsideCells) {
  const CsvFile file("a\n\"1\n2\"\n\n3\n");
  CsvReader reader(file.path());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.line(), 2);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.line(), 5);
  const CsvFile old("a\r1\r\r2");
  CsvReader old_reader(old.path());
  ASSERT_TRUE(old_reader.Next());
  EXPECT_EQ(old_reader.line(), 2);
  ASSERT_TRUE(old_reader.Next());
  EXPECT_EQ(old_reader.line(), 4);
}

TEST(CsvReader, RefusesWhatIsNoTableNamingTheLine) {
  struct Case {
    std::string text;
    const char* expected;
  };
  const Case cases[] = {
      {"", "line 1: the file is empty"},
      {"\xff\xfe"
       "a",
       "line 1: the file is in UTF-16; want UTF-8"},
      {"a,b,a\n", "line 1: there are two columns a"},
      {"a,b\n1,2\n3\n", "line 3: 1 cells; the first line names 2 columns"},
      {"a\n\"x\n", "line 2: a quote is not closed"},
      {"a\n\"x\"y\n", "line 2: text behind a closing quote"},
      {"a\n" + std::string((1 << 20) + 1, 'x'), "line 2: a cell of more than 1 MiB"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ErrorOf<DataError>([&] { Records(c.text); }), HasSubstr(std::string("train.csv: ") + c.expected));
  }
}

TEST(CsvReader, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder.path() / "train.csv";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf<DataError>([&] { CsvReader reader(pipe); }), HasSubstr("train.csv: is no regular file"));
  EXPECT_THAT(ErrorOf<DataError>([&] { CsvReader reader(folder.path()); }), HasSubstr("is no regular file"));
}

TEST(LearnColumns, TellsNumbersFromTextsByTheFirstCell) {
  const CsvFile file("size,colour,note,y\n 1.5 ,red,,1\n-2e3,blue,x,2\n+7,red,,3\n");
  const TableColumns columns = LearnColumns(file.path(), "y", TaskKind::kRegression, kSilent);
  EXPECT_THAT(columns.numeric, ElementsAre("size"));
  EXPECT_THAT(columns.categorical, ElementsAre("colour", "note"));
  EXPECT_THAT(columns.values, ElementsAre(ElementsAre("", "blue", "red"), ElementsAre("", "x")));
  const RawPart part = ReadTable(file.path(), columns, 0, kSilent);
  EXPECT_EQ(part.count, 3);
  EXPECT_THAT(part.numbers, ElementsAre(1.5, -2000, 7));
  EXPECT_THAT(part.categories, ElementsAre(2, 0, 1, 1, 2, 0));
  EXPECT_THAT(part.targets, ElementsAre(1, 2, 3));
}

TEST(LearnColumns, KeepsTextsOfWhichHalfAreNumbers) {
  const CsvFile file("size,y\nS,1\n38,2\n40,3\nM,4\n");
  const TableColumns columns = LearnColumns(file.path(), "y", TaskKind::kRegression, kSilent);
  EXPECT_THAT(columns.categorical, ElementsAre("size"));
}

TEST(LearnColumns, NumbersClassesInAscendingOrder) {
  const CsvFile file("x,y,z\n1,10,no\n2,9,yes\n3,10,no\n");
  const TableColumns numbers = LearnColumns(file.path(), "y", TaskKind::kClassification, kSilent);
  EXPECT_THAT(numbers.classes, ElementsAre("9", "10"));
  EXPECT_THAT(ReadTable(file.path(), numbers, 0, kSilent).classes, ElementsAre(1, 0, 1));
  const TableColumns texts = LearnColumns(file.path(), "z", TaskKind::kClassification, kSilent);
  EXPECT_THAT(texts.classes, ElementsAre("no", "yes"));
  EXPECT_THAT(texts.numeric, ElementsAre("x", "y"));
}

TEST(LearnColumns, TakesSeveralTargetsAndLeavesThemOut) {
  const CsvFile file("a,x,b\n0,5,1\n1,6,1\n");
  const TableColumns labels = LearnColumns(file.path(), "b, a", TaskKind::kMultiLabel, kSilent);
  EXPECT_THAT(labels.numeric, ElementsAre("x"));
  EXPECT_THAT(ReadTable(file.path(), labels, 0, kSilent).targets, ElementsAre(1, 0, 1, 1)) << "in the order asked for";
  const TableColumns none = LearnColumns(file.path(), "b,missing", TaskKind::kReconstruction, kSilent);
  EXPECT_THAT(none.numeric, ElementsAre("a", "x"));
  EXPECT_THAT(ReadTable(file.path(), none, 1, kSilent).numbers, ElementsAre(0, 5)) << "one row was asked for";
}

TEST(LearnColumns, FindsATargetWithACommaInItsName) {
  const CsvFile file("x,\"price, EUR\"\n1,2\n");
  const TableColumns columns = LearnColumns(file.path(), "price, EUR", TaskKind::kRegression, kSilent);
  EXPECT_THAT(columns.numeric, ElementsAre("x"));
  EXPECT_THAT(columns.targets, ElementsAre("price, EUR"));
}

TEST(ReadTable, FindsColumnsByNameAndTakesUnknownTextsForMissing) {
  const CsvFile train("x,colour,y\n1,red,1\n"), other("y,extra,colour,x\n4,?,green,3\n");
  const TableColumns columns = LearnColumns(train.path(), "y", TaskKind::kRegression, kSilent);
  const RawPart part = ReadTable(other.path(), columns, 0, kSilent);
  EXPECT_THAT(part.numbers, ElementsAre(3));
  EXPECT_THAT(part.categories, ElementsAre(0));
  EXPECT_THAT(part.targets, ElementsAre(4));
}

TEST(LearnColumns, RefusesBadCellsNamingLineAndColumn) {
  struct Case {
    const char* text;
    TaskKind task;
    const char* expected;
  };
  const Case cases[] = {
      {"x,y\n1,1\nabc,2\n", TaskKind::kRegression, "line 3: column x: 'abc' in a column of numbers"},
      {"x,y\n1,1\n,2\n", TaskKind::kRegression, "line 3: column x: a missing cell in a column of numbers"},
      {"x,y\n,1\n2,2\n", TaskKind::kRegression, "line 2: column x: a missing cell in a column of numbers"},
      {"x,y\n1,1\nnan,2\n", TaskKind::kRegression, "line 3: column x: 'nan' in a column of numbers"},
      {"x,y\n1,1\n1e39,2\n", TaskKind::kRegression, "line 3: column x: '1e39' in a column of numbers"},
      {"x,y\n,1\nNA,1\n1,2\n2,3\n", TaskKind::kRegression, "line 3: column x: 'NA' in a column of numbers"},
      {"x,y\n1,a\n", TaskKind::kRegression, "line 2: column y: 'a' in a column of numbers"},
      {"x,y\n1,2\n", TaskKind::kMultiLabel, "line 2: column y: '2' is no label; want 0 or 1"},
      {"x,y\n1,a\n2,\n", TaskKind::kClassification, "line 3: column y: the class is missing"},
      {"x,y\n", TaskKind::kRegression, "line 1: no rows behind the column names"},
      {"y\n1\n", TaskKind::kRegression, "line 1: no column but the target"},
  };
  for (const Case& c : cases) {
    const CsvFile file(c.text);
    EXPECT_THAT(ErrorOf<DataError>(
                    [&] { ReadTable(file.path(), LearnColumns(file.path(), "y", c.task, kSilent), 0, kSilent); }),
                HasSubstr(file.path().string() + ": " + c.expected));
  }
}

TEST(LearnColumns, RefusesTargetsThatAreNotThere) {
  const CsvFile file("x,y\n1,2\n");
  const auto learn = [&](const char* target, TaskKind task) {
    return ErrorOf<InfeasibleError>([&] { LearnColumns(file.path(), target, task, kSilent); });
  };
  EXPECT_THAT(learn("z", TaskKind::kRegression), HasSubstr("target z is no column of the training file; it has x, y"));
  EXPECT_THAT(learn(" ,", TaskKind::kRegression), HasSubstr("target names no column"));
  EXPECT_THAT(learn("y, y", TaskKind::kRegression), HasSubstr("target y, y names column y twice"));
  EXPECT_THAT(learn("x,y", TaskKind::kClassification), HasSubstr("task: classification takes one column"));
}

TEST(CsvSource, TakesGivenPartsAndRefusesClassesThatTrainingDoesNotHave) {
  const TemporaryFolder folder;
  const DataOptions options = {.kind = DatasetKind::kCsv, .data_dir = folder.path().string(), .target = "y"};
  WriteFile(folder.path() / "train.csv", "x,y\n1,a\n2,b\n");
  WriteFile(folder.path() / "validation.csv", "y,x\nb,3\n");
  WriteFile(folder.path() / "test.csv", "x,y\n4,a\n");
  const RawDataset raw = MakeCsvSource(options, TaskKind::kClassification)->Read(1, kSilent);
  EXPECT_EQ(raw.input, InputKind::kTable);
  EXPECT_THAT(raw.validation.numbers, ElementsAre(3));
  EXPECT_THAT(raw.validation.classes, ElementsAre(1));
  EXPECT_THAT(raw.test.classes, ElementsAre(0));
  EXPECT_THAT(raw.target_columns, IsEmpty());
  WriteFile(folder.path() / "test.csv", "x,y\n4,a\n5,c\n");
  EXPECT_THAT(ErrorOf<DataError>([&] { MakeCsvSource(options, TaskKind::kClassification)->Read(1, kSilent); }),
              HasSubstr("test.csv: line 3: column y: class 'c' is not in the training file"));
  WriteFile(folder.path() / "test.csv", "y\na\n");
  EXPECT_THAT(ErrorOf<DataError>([&] { MakeCsvSource(options, TaskKind::kClassification)->Read(1, kSilent); }),
              HasSubstr("test.csv: line 1: no column x; it has y"));
}

}  // namespace
}  // namespace athanor::training
