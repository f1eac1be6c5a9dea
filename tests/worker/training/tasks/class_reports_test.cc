#include "worker/training/tasks/class_reports.h"

#include <gtest/gtest.h>

#include <limits>

#include "worker/training/tasks/csv.h"

namespace athanor::training {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of 10 examples 4 are cats, of which 3 were taken for cats, as were 2 others; nobody saw a dog; 6 are birds, all taken
// for something else.
std::vector<ClassResult> Animals() {
  return {{.name = "cat",
           .examples = 10,
           .support = 4,
           .predicted = 5,
           .hits = 3,
           .roc_auc = 0.875,
           .pr_auc = 0.5,
           .roc = {{kInfinity, 0, 0}, {0.25, 1.0 / 3, 1}},
           .precision_recall = {{0.25, 1, 0.4}}},
          {.name = "dog", .examples = 10},
          {.name = "bird, \"small\"", .examples = 10, .support = 6, .roc_auc = 0.125, .pr_auc = 0.25}};
}

TEST(ClassResult, MeasuresFollowFromCounts) {
  const std::vector<ClassResult> animals = Animals();
  EXPECT_DOUBLE_EQ(animals[0].Precision(), 0.6);
  EXPECT_DOUBLE_EQ(animals[0].Recall(), 0.75);
  EXPECT_DOUBLE_EQ(animals[0].F1(), 6.0 / 9);
  EXPECT_FALSE(animals[1].Seen());
  EXPECT_TRUE(animals[2].Seen());
  EXPECT_EQ(animals[2].Precision(), 0);
  EXPECT_EQ(animals[2].Recall(), 0);
  EXPECT_EQ(animals[2].F1(), 0);
}

TEST(MacroMeans, LeaveOutWhatIsNotDefined) {
  Metrics metrics;
  AddMacroMeans(Animals(), metrics);
  EXPECT_DOUBLE_EQ(metrics.at("precision"), 0.3);
  EXPECT_DOUBLE_EQ(metrics.at("recall"), 0.375);
  EXPECT_DOUBLE_EQ(metrics.at("f1"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.at("roc_auc"), 0.5);
  EXPECT_DOUBLE_EQ(metrics.at("pr_auc"), 0.375);

  Metrics of_none;
  AddMacroMeans(std::vector<ClassResult>{{.name = "dog", .examples = 10}}, of_none);
  EXPECT_TRUE(of_none.empty());
}

TEST(Csv, QuotesWhatWouldBeReadAsMoreThanOneCell) {
  const std::pair<const char*, const char*> cases[] = {
      {"plain", "plain"}, {"a b", "a b"},
      {"a,b", "\"a,b\""}, {"say \"hi\"", "\"say \"\"hi\"\"\""},
      {"", ""},           {"two\nlines", "\"two\nlines\""},
      {"\r", "\"\r\""},   {"T-shirt/top", "T-shirt/top"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(CsvText(text), wanted);
}

TEST(Csv, NumbersHaveSixDigits) {
  const std::pair<double, const char*> cases[] = {
      {0, "0"},       {1, "1"},           {1.0 / 3, "0.333333"}, {1e-7, "1e-07"}, {1234567, "1.23457e+06"},
      {-kNan, "nan"}, {kInfinity, "inf"}, {-kInfinity, "-inf"}};
  for (const auto& [number, wanted] : cases) EXPECT_EQ(CsvNumber(number), wanted);
}

TEST(ConfusionTable, HasARowAnActualClass) {
  const std::vector<int64_t> counts = {3, 0, 1, 0,  //
                                       0, 0, 0, 0,  //
                                       2, 4, 0, 0};
  const ReportFile table = ConfusionTable(Animals(), counts);
  EXPECT_EQ(table.name, "confusion.csv");
  EXPECT_EQ(table.contents,
            "actual,cat,dog,\"bird, \"\"small\"\"\"\n"
            "cat,3,0,1\n"
            "dog,0,0,0\n"
            "\"bird, \"\"small\"\"\",2,4,0\n");
}

TEST(ConfusionTable, ShowsExamplesWithoutAnAnswer) {
  const std::vector<ClassResult> results = {{.name = "0"}, {.name = "1"}};
  EXPECT_EQ(ConfusionTable(results, std::vector<int64_t>{1, 2, 0, 3, 4, 5}).contents,
            "actual,0,1,no answer\n0,1,2,0\n1,3,4,5\n");
}

TEST(LabelConfusionTable, HasARowALabel) {
  EXPECT_EQ(LabelConfusionTable(Animals()).contents,
            "label,true_positives,false_positives,false_negatives,true_negatives\n"
            "cat,3,2,1,4\n"
            "dog,0,0,0,10\n"
            "\"bird, \"\"small\"\"\",0,0,6,4\n");
}

TEST(ClassReports, AreTheFourTables) {
  const std::vector<ReportFile> reports = ClassReports(Animals(), {.name = "confusion.csv", .contents = "given"});
  ASSERT_EQ(reports.size(), 4U);
  EXPECT_EQ(reports[0].name, "per_class.csv");
  EXPECT_EQ(reports[0].contents,
            "class,support,precision,recall,f1,roc_auc\n"
            "cat,4,0.6,0.75,0.666667,0.875\n"
            "dog,0,,,,\n"
            "\"bird, \"\"small\"\"\",6,0,0,0,0.125\n");
  EXPECT_EQ(reports[1].contents, "given");
  EXPECT_EQ(reports[2].name, "roc.csv");
  EXPECT_EQ(reports[2].contents, "class,threshold,fpr,tpr\ncat,inf,0,0\ncat,0.25,0.333333,1\n");
  EXPECT_EQ(reports[3].name, "pr.csv");
  EXPECT_EQ(reports[3].contents, "class,threshold,recall,precision\ncat,0.25,1,0.4\n");
}

TEST(ClassReports, LeaveOutATableThatIsTooLarge) {
  const std::vector<ReportFile> reports =
      ClassReports(Animals(), {.name = "confusion.csv", .contents = std::string(kMaxReportBytes + 1, '0')});
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(reports[1].name, "roc.csv");
}

TEST(CurvePoints, FallWithTheNumberOfClasses) {
  const std::pair<size_t, size_t> cases[] = {{0, 200}, {10, 200}, {327, 200}, {1000, 65}, {100000, 2}};
  for (const auto& [classes, points] : cases) EXPECT_EQ(CurvePoints(classes), points) << classes;
}

}  // namespace
}  // namespace athanor::training
