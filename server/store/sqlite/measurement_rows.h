// Measurements and final metrics, and the metric names that both are stored by.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Not thread-safe. Errors of SQLite are thrown (SQLite::Exception). That
// the study, trial and attempt exist is the caller's to check.
class MeasurementRows {
 public:
  explicit MeasurementRows(SQLite::Database& database);

  void Add(StudyId study, Token token, const Measurement& measurement);
  void PutFinal(StudyId study, TrialNumber trial, const std::vector<Metric>& metrics);
  // Drops the remembered metric names: after a rollback and after a deletion they may be wrong.
  void ForgetMetricNames() { metric_ids_.clear(); }

  std::vector<MetricCurve> ReadCurves(StudyId study, TrialNumber trial, const std::vector<std::string>& metrics,
                                      Archived archived);
  std::vector<Store::TrialCurve> ReadCompletedCurves(StudyId study, const std::string& metric);
  std::vector<Metric> ReadFinal(StudyId study, TrialNumber trial);
  // Everything that the attempt reported, by step.
  std::vector<Measurement> Load(StudyId study, Token token);

 private:
  // Interns the name. Only for connections that write.
  int64_t MetricId(StudyId study, const std::string& name);

  // Without it each value would cost one more query; a study has few metrics.
  std::map<std::pair<StudyId, std::string>, int64_t> metric_ids_;
  Statement insert_;
  Statement find_metric_;
  Statement insert_metric_;
  Statement list_metrics_;
  Statement delete_final_;
  Statement insert_final_;
  Statement read_final_;
  Statement read_curve_;
  Statement read_completed_;
  Statement load_;
};

}  // namespace athanor::sqlite
