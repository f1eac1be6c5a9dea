#include "server/simulate/bbob_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "base/random.h"
#include "base/status.h"

namespace athanor {
namespace {

constexpr uint64_t kCategoryStream = 0x63617465;  // "cate"
constexpr int kInts = 10;
constexpr int kCategories = 5;

class BbobPlay final : public Play {
 public:
  explicit BbobPlay(const BbobTask& task) : task_(task) {}

  absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearch(const StudySpec& spec, const SearchSpace& space) override {
    return CreateSearchMethod(spec, space);
  }
  std::span<const RunPoint> RunOf(const Trial& trial) override {
    const double value = task_.function()(task_.Locate(trial.configuration.Unpack()));
    return {&runs_.emplace_back(RunPoint{.step = 1, .value = value, .seconds = 1}), 1};
  }

 private:
  const BbobTask& task_;
  std::deque<RunPoint> runs_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BbobTask>> BbobTask::Create(int function, int dimensions, uint64_t instance,
                                                           Coordinates coordinates) {
  ATHANOR_ASSIGN_OR_RETURN(BbobFunction created, BbobFunction::Create(function, dimensions, instance));
  return std::unique_ptr<BbobTask>(new BbobTask(std::move(created), instance, coordinates));
}

BbobTask::BbobTask(BbobFunction function, uint64_t instance, Coordinates coordinates) : function_(std::move(function)) {
  const auto size = static_cast<size_t>(function_.dimensions());
  study_.name = fmt::format("f{:02}-d{}-i{}{}", function_.function(), size, instance,
                            coordinates == Coordinates::kMixed ? "-mixed" : "");
  study_.objectives = {{.metric = "value", .goal = Goal::kMinimize}};
  study_.trainer[std::string(ResourceOption(study_.resource))] = int64_t{1};
  places_.resize(size);
  for (size_t i = 0; i < size; ++i) {
    Parameter parameter;
    parameter.name = fmt::format("x{}", i + 1);
    if (coordinates == Coordinates::kMixed && i % 5 == 3) {
      parameter.type = ParameterType::kInt;
      parameter.max = kInts - 1;
      places_[i] = Lattice(i, kInts, 1);
    } else if (coordinates == Coordinates::kMixed && i % 5 == 4) {
      parameter.type = ParameterType::kCategorical;
      for (int k = 0; k < kCategories; ++k) parameter.values.emplace_back(std::string(1, static_cast<char>('a' + k)));
      places_[i] = Lattice(i, kCategories, 2);
      Random random({kCategoryStream, instance, static_cast<uint64_t>(function_.function()), i});
      for (size_t k = places_[i].size(); k > 1; --k) std::swap(places_[i][k - 1], places_[i][random.Below(k)]);
    } else {
      parameter.min = -BbobFunction::kBound;
      parameter.max = BbobFunction::kBound;
    }
    study_.parameters.push_back(std::move(parameter));
  }
}

std::vector<double> BbobTask::Lattice(size_t index, int count, double apart) const {
  const double optimum = function_.optimum()[index];
  const double below = std::floor((optimum + BbobFunction::kBound) / apart);
  const double first = optimum - apart * std::clamp(below, 0.0, static_cast<double>(count - 1));
  std::vector<double> places;
  for (int k = 0; k < count; ++k) places.push_back(first + apart * k);
  return places;
}

std::vector<double> BbobTask::Locate(const Configuration& configuration) const {
  std::vector<double> x(places_.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const Value& value = *configuration[i];
    if (const auto* number = std::get_if<double>(&value)) {
      x[i] = *number;
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      x[i] = places_[i][static_cast<size_t>(*integer)];
    } else {
      x[i] = places_[i][static_cast<size_t>(std::get<std::string>(value).front() - 'a')];
    }
  }
  return x;
}

std::unique_ptr<Play> BbobTask::NewPlay() const { return std::make_unique<BbobPlay>(*this); }

}  // namespace athanor
