#include "server/store/sqlite/stopping_rows.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "server/store/sqlite/statement.h"

namespace athanor::sqlite {

namespace {

enum class StoppingMethod { kMedian, kPercentile, kAsha, kAshaStopping, kHyperband, kThreshold, kPatience };
constexpr Words<StoppingMethod, 7> kStoppingMethods{{{StoppingMethod::kMedian, "median"},
                                                     {StoppingMethod::kPercentile, "percentile"},
                                                     {StoppingMethod::kAsha, "asha"},
                                                     {StoppingMethod::kAshaStopping, "asha_stopping"},
                                                     {StoppingMethod::kHyperband, "hyperband"},
                                                     {StoppingMethod::kThreshold, "threshold"},
                                                     {StoppingMethod::kPatience, "patience"}}};

// Every column. NULL where the method, or the inner one of `patience`, has no such option.
struct StoppingRow {
  StoppingMethod method = StoppingMethod::kMedian;
  std::optional<StoppingMethod> inner;
  std::optional<double> percentile;
  std::optional<int64_t> startup_trials;
  std::optional<int64_t> warmup_steps;
  std::optional<int64_t> interval_steps;
  std::optional<int64_t> min_trials;
  std::optional<int64_t> min_resource;
  std::optional<int64_t> max_resource;
  std::optional<int64_t> reduction_factor;
  std::optional<int64_t> finalists;
  std::optional<int64_t> brackets;
  std::optional<int64_t> synchronous;
  std::optional<double> lower;
  std::optional<double> upper;
  std::optional<int64_t> patience;
  std::optional<double> min_delta;
};

// Fills the columns of the options; returns the word of their method.
struct Fill {
  StoppingRow& row;

  std::optional<StoppingMethod> operator()(const NoStopping&) const { return std::nullopt; }
  std::optional<StoppingMethod> operator()(const MedianStopping& options) const {
    return Percentile(options, StoppingMethod::kMedian);
  }
  std::optional<StoppingMethod> operator()(const PercentileStopping& options) const {
    return Percentile(options, StoppingMethod::kPercentile);
  }
  std::optional<StoppingMethod> operator()(const AshaPromotion& options) const {
    row.brackets = options.brackets;
    return Halving(options, StoppingMethod::kAsha);
  }
  std::optional<StoppingMethod> operator()(const AshaStopping& options) const {
    return Halving(options, StoppingMethod::kAshaStopping);
  }
  std::optional<StoppingMethod> operator()(const Hyperband& options) const {
    row.synchronous = options.synchronous ? 1 : 0;
    return Halving(options, StoppingMethod::kHyperband);
  }
  std::optional<StoppingMethod> operator()(const ThresholdStopping& options) const {
    row.lower = options.lower;
    row.upper = options.upper;
    row.warmup_steps = options.warmup_steps;
    row.interval_steps = options.interval_steps;
    return StoppingMethod::kThreshold;
  }
  std::optional<StoppingMethod> operator()(const PatienceStopping& options) const {
    row.patience = options.patience;
    row.min_delta = options.min_delta;
    row.inner = std::visit(*this, options.inner);
    return StoppingMethod::kPatience;
  }

 private:
  StoppingMethod Percentile(const PercentileOptions& options, StoppingMethod method) const {
    row.percentile = options.percentile;
    row.startup_trials = options.startup_trials;
    row.warmup_steps = options.warmup_steps;
    row.interval_steps = options.interval_steps;
    row.min_trials = options.min_trials;
    return method;
  }
  StoppingMethod Halving(const HalvingOptions& options, StoppingMethod method) const {
    row.startup_trials = options.startup_trials;
    row.min_resource = options.min_resource;
    row.max_resource = options.max_resource;
    row.reduction_factor = options.reduction_factor;
    row.finalists = options.finalists;
    return method;
  }
};

// A column that the method must have.
template <typename T>
T Present(const std::optional<T>& column) {
  if (column.has_value()) return *column;
  throw SQLite::Exception("an option of the early-stopping rule is missing", SQLITE_CORRUPT);
}

template <typename Options>
Options ToPercentile(const StoppingRow& row) {
  Options options;
  options.percentile = Present(row.percentile);
  options.startup_trials = Present(row.startup_trials);
  options.warmup_steps = Present(row.warmup_steps);
  options.interval_steps = Present(row.interval_steps);
  options.min_trials = Present(row.min_trials);
  return options;
}

template <typename Options>
Options ToHalving(const StoppingRow& row) {
  Options options;
  options.startup_trials = Present(row.startup_trials);
  options.min_resource = Present(row.min_resource);
  options.max_resource = Present(row.max_resource);
  options.reduction_factor = Present(row.reduction_factor);
  options.finalists = Present(row.finalists);
  return options;
}

ThresholdStopping ToThreshold(const StoppingRow& row) {
  ThresholdStopping options;
  options.lower = row.lower;
  options.upper = row.upper;
  options.warmup_steps = Present(row.warmup_steps);
  options.interval_steps = Present(row.interval_steps);
  return options;
}

InnerStopping ToInner(const StoppingRow& row) {
  if (!row.inner.has_value()) return NoStopping{};
  switch (*row.inner) {
    case StoppingMethod::kMedian:
      return ToPercentile<MedianStopping>(row);
    case StoppingMethod::kPercentile:
      return ToPercentile<PercentileStopping>(row);
    case StoppingMethod::kThreshold:
      return ToThreshold(row);
    default:
      throw SQLite::Exception("a rule that patience cannot ask", SQLITE_CORRUPT);
  }
}

EarlyStoppingOptions ToOptions(const StoppingRow& row) {
  switch (row.method) {
    case StoppingMethod::kMedian:
      return ToPercentile<MedianStopping>(row);
    case StoppingMethod::kPercentile:
      return ToPercentile<PercentileStopping>(row);
    case StoppingMethod::kAsha: {
      auto options = ToHalving<AshaPromotion>(row);
      options.brackets = Present(row.brackets);
      return options;
    }
    case StoppingMethod::kAshaStopping:
      return ToHalving<AshaStopping>(row);
    case StoppingMethod::kHyperband: {
      auto options = ToHalving<Hyperband>(row);
      options.synchronous = Present(row.synchronous) != 0;
      return options;
    }
    case StoppingMethod::kThreshold:
      return ToThreshold(row);
    case StoppingMethod::kPatience:
      return PatienceStopping{
          .patience = Present(row.patience), .min_delta = Present(row.min_delta), .inner = ToInner(row)};
  }
  throw SQLite::Exception("an early-stopping rule without a method", SQLITE_CORRUPT);
}

}  // namespace

void InsertStopping(SQLite::Database& database, StudyId study, const EarlyStoppingOptions& options) {
  StoppingRow row;
  const auto method = std::visit(Fill{row}, options);
  if (!method.has_value()) return;
  std::optional<std::string> inner;
  if (row.inner.has_value()) inner = ToWord(kStoppingMethods, *row.inner);
  Statement(database,
            "INSERT INTO early_stopping (study, method, inner_method, percentile, startup_trials, warmup_steps, "
            "interval_steps, min_trials, min_resource, max_resource, reduction_factor, finalists, brackets, "
            "synchronous, lower_bound, upper_bound, patience, min_delta) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Run(study, ToWord(kStoppingMethods, *method), inner, row.percentile, row.startup_trials, row.warmup_steps,
           row.interval_steps, row.min_trials, row.min_resource, row.max_resource, row.reduction_factor, row.finalists,
           row.brackets, row.synchronous, row.lower, row.upper, row.patience, row.min_delta);
}

EarlyStoppingOptions LoadStopping(SQLite::Database& database, StudyId study) {
  Statement select(database,
                   "SELECT method, coalesce(inner_method, ''), percentile, startup_trials, warmup_steps, "
                   "interval_steps, min_trials, min_resource, max_resource, reduction_factor, finalists, brackets, "
                   "synchronous, lower_bound, upper_bound, patience, min_delta FROM early_stopping WHERE study = ?");
  Rows rows = select.Query(study);
  if (!rows.Next()) return NoStopping{};
  StoppingRow row;
  row.method = rows.Word(kStoppingMethods);
  if (const std::string inner = rows.Text(); !inner.empty()) row.inner = FromWord(kStoppingMethods, inner);
  row.percentile = rows.OptionalReal();
  row.startup_trials = rows.OptionalInt();
  row.warmup_steps = rows.OptionalInt();
  row.interval_steps = rows.OptionalInt();
  row.min_trials = rows.OptionalInt();
  row.min_resource = rows.OptionalInt();
  row.max_resource = rows.OptionalInt();
  row.reduction_factor = rows.OptionalInt();
  row.finalists = rows.OptionalInt();
  row.brackets = rows.OptionalInt();
  row.synchronous = rows.OptionalInt();
  row.lower = rows.OptionalReal();
  row.upper = rows.OptionalReal();
  row.patience = rows.OptionalInt();
  row.min_delta = rows.OptionalReal();
  return ToOptions(row);
}

}  // namespace athanor::sqlite
