#include "server/simulate/table_search.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/server/simulate/tables.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Number;
using testing::Space;
using testing::Table;
using testing::TableStudy;
using testing::Text;

StudySpec Searching(StudySpec study, const std::string& method, uint64_t seed) {
  study.search.method = method;
  study.search.seed = seed;
  return study;
}

std::vector<double> FirstParameters(const RecordedTask& task, const std::string& method, uint64_t seed) {
  RowsTaken rows(task.rows().size());
  const auto search = TableSearch::Create(task, Searching(task.study(), method, seed), task.space(), rows).value();
  std::vector<double> drawn;
  for (size_t i = 0; i < task.rows().size(); ++i) {
    drawn.push_back(std::get<double>(*search->Suggest({}, static_cast<int64_t>(i), {})[0]));
  }
  return drawn;
}

TEST(TableSearchTest, RandomDrawsEveryRowOnceInAnOrderOfItsSeed) {
  const auto task = Table(std::vector<std::vector<double>>(50, {1.0}));
  const std::vector<double> drawn = FirstParameters(*task, "random", 3);
  EXPECT_EQ(std::set<double>(drawn.begin(), drawn.end()).size(), 50u);
  EXPECT_EQ(FirstParameters(*task, "random", 3), drawn);
  EXPECT_NE(FirstParameters(*task, "random", 4), drawn);
}

TEST(TableSearchTest, OtherMethodsGetTheNearestRowThatIsLeft) {
  const auto task = Table({{1}, {1}, {1}, {1}, {1}});  // x = 0, 0.25, 0.5, 0.75, 1
  const StudySpec spec = Searching(task->study(), "sobol", 0);
  const auto sobol = CreateSearchMethod(spec, task->space()).value();
  RowsTaken rows(5);
  const auto search = TableSearch::Create(*task, spec, task->space(), rows).value();
  EXPECT_EQ(search->name(), "sobol");
  std::set<double> left = {0, 0.25, 0.5, 0.75, 1};
  for (int64_t i = 0; i < 5; ++i) {
    const double wanted = std::get<double>(*sobol->Suggest({}, i, {})[0]);
    double nearest = *left.begin();
    for (const double x : left) nearest = std::abs(x - wanted) < std::abs(nearest - wanted) ? x : nearest;
    EXPECT_EQ(std::get<double>(*search->Suggest({}, i, {})[0]), nearest) << i;
    EXPECT_EQ(rows.Of(i), static_cast<int64_t>(nearest * 4));
    left.erase(nearest);
  }
}

// Rows at the same place: the lower one first.
TEST(TableSearchTest, TiesGoToTheLowerRow) {
  StudySpec study = TableStudy(1);
  const Configuration same = {Value(0.5)};
  const auto task =
      RecordedTask::Create(study, {{same, {{1, 3, 1}}}, {same, {{1, 2, 1}}}, {same, {{1, 1, 1}}}}).value();
  RowsTaken rows(3);
  const auto search = TableSearch::Create(*task, Searching(study, "sobol", 0), task->space(), rows).value();
  for (int64_t i = 0; i < 3; ++i) {
    search->Suggest({}, i, {});
    EXPECT_EQ(rows.Of(i), i);
  }
}

// A category that differs is as far as a whole range.
TEST(TableSearchTest, CategoriesThatDifferAreFar) {
  StudySpec study = TableStudy(1);
  study.parameters = {Float("x", 0, 1), Choice("opt", {Text("sgd"), Text("adam")})};
  const auto task = RecordedTask::Create(study, {{{Value(0.01), Value(Text("sgd"))}, {{1, 1, 1}}},
                                                 {{Value(0.99), Value(Text("adam"))}, {{1, 1, 1}}}})
                        .value();
  const StudySpec spec = Searching(study, "sobol", 1);
  const auto sobol = CreateSearchMethod(spec, task->space()).value();
  RowsTaken rows(2);
  const auto search = TableSearch::Create(*task, spec, task->space(), rows).value();
  const bool wants_sgd = *sobol->Suggest({}, 0, {})[1] == Text("sgd");
  search->Suggest({}, 0, {});
  EXPECT_EQ(rows.Of(0), wants_sgd ? 0 : 1);
}

}  // namespace
}  // namespace athanor
