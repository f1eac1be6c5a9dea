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

// Columns: hands each option of a rule to `each` with its column. One list for both directions, so that what is saved
// is what is loaded. `Options` and `Row` are const or not as the direction wants it.
template <typename Options, typename Row, typename Each>
void PercentileColumns(Options& options, Row& row, Each each) {
  each(options.percentile, row.percentile);
  each(options.startup_trials, row.startup_trials);
  each(options.warmup_steps, row.warmup_steps);
  each(options.interval_steps, row.interval_steps);
  each(options.min_trials, row.min_trials);
}

template <typename Options, typename Row, typename Each>
void HalvingColumns(Options& options, Row& row, Each each) {
  each(options.startup_trials, row.startup_trials);
  each(options.min_resource, row.min_resource);
  each(options.max_resource, row.max_resource);
  each(options.reduction_factor, row.reduction_factor);
  each(options.finalists, row.finalists);
}

template <typename Options, typename Row, typename Each>
void ThresholdColumns(Options& options, Row& row, Each each) {
  each(options.lower, row.lower);
  each(options.upper, row.upper);
  each(options.warmup_steps, row.warmup_steps);
  each(options.interval_steps, row.interval_steps);
}

struct Save {
  template <typename Option, typename Column>
  void operator()(const Option& option, std::optional<Column>& column) const {
    column = option;
  }
};

struct Load {
  // A column that the method must have.
  template <typename Option, typename Column>
  void operator()(Option& option, const std::optional<Column>& column) const {
    if (!column.has_value()) throw SQLite::Exception("an option of the early-stopping rule is missing", SQLITE_CORRUPT);
    option = static_cast<Option>(*column);
  }
  template <typename T>
  void operator()(std::optional<T>& option, const std::optional<T>& column) const {
    option = column;
  }
};

// Fills the columns of the options; returns the word of their method.
struct Fill {
  StoppingRow& row;

  std::optional<StoppingMethod> operator()(const NoStopping&) const { return std::nullopt; }
  std::optional<StoppingMethod> operator()(const MedianStopping& options) const {
    PercentileColumns(options, row, Save());
    return StoppingMethod::kMedian;
  }
  std::optional<StoppingMethod> operator()(const PercentileStopping& options) const {
    PercentileColumns(options, row, Save());
    return StoppingMethod::kPercentile;
  }
  std::optional<StoppingMethod> operator()(const AshaPromotion& options) const {
    HalvingColumns(options, row, Save());
    row.brackets = options.brackets;
    return StoppingMethod::kAsha;
  }
  std::optional<StoppingMethod> operator()(const AshaStopping& options) const {
    HalvingColumns(options, row, Save());
    return StoppingMethod::kAshaStopping;
  }
  std::optional<StoppingMethod> operator()(const Hyperband& options) const {
    HalvingColumns(options, row, Save());
    row.synchronous = options.synchronous ? 1 : 0;
    return StoppingMethod::kHyperband;
  }
  std::optional<StoppingMethod> operator()(const ThresholdStopping& options) const {
    ThresholdColumns(options, row, Save());
    return StoppingMethod::kThreshold;
  }
  std::optional<StoppingMethod> operator()(const PatienceStopping& options) const {
    row.patience = options.patience;
    row.min_delta = options.min_delta;
    row.inner = std::visit(*this, options.inner);
    return StoppingMethod::kPatience;
  }
};

template <typename Options>
Options ToPercentile(const StoppingRow& row) {
  Options options;
  PercentileColumns(options, row, Load());
  return options;
}

template <typename Options>
Options ToHalving(const StoppingRow& row) {
  Options options;
  HalvingColumns(options, row, Load());
  return options;
}

ThresholdStopping ToThreshold(const StoppingRow& row) {
  ThresholdStopping options;
  ThresholdColumns(options, row, Load());
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
      Load()(options.brackets, row.brackets);
      return options;
    }
    case StoppingMethod::kAshaStopping:
      return ToHalving<AshaStopping>(row);
    case StoppingMethod::kHyperband: {
      auto options = ToHalving<Hyperband>(row);
      Load()(options.synchronous, row.synchronous);
      return options;
    }
    case StoppingMethod::kThreshold:
      return ToThreshold(row);
    case StoppingMethod::kPatience: {
      PatienceStopping options;
      Load()(options.patience, row.patience);
      Load()(options.min_delta, row.min_delta);
      options.inner = ToInner(row);
      return options;
    }
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
