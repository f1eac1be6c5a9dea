#include "server/store/sqlite/measurement_rows.h"

#include <algorithm>

namespace athanor::sqlite {

MeasurementRows::MeasurementRows(SQLite::Database& database)
    : insert_(database, "INSERT INTO measurements (token, metric, step, value, elapsed_ms) VALUES (?, ?, ?, ?, ?)"),
      find_metric_(database, "SELECT id FROM metrics WHERE study = ? AND name = ?"),
      insert_metric_(database,
                     "INSERT INTO metrics (study, id, name) "
                     "VALUES (?1, (SELECT coalesce(max(id) + 1, 0) FROM metrics WHERE study = ?1), ?2)"),
      list_metrics_(database, "SELECT id, name FROM metrics WHERE study = ? ORDER BY name"),
      delete_final_(database, "DELETE FROM final_metrics WHERE study = ? AND trial = ?"),
      insert_final_(database,
                    "INSERT INTO final_metrics (study, trial, position, metric, value) VALUES (?, ?, ?, ?, ?)"),
      read_final_(database,
                  "SELECT m.name, f.value FROM final_metrics f JOIN metrics m ON m.study = f.study AND m.id = f.metric "
                  "WHERE f.study = ? AND f.trial = ? ORDER BY f.position"),
      read_curve_(database,
                  "SELECT m.step, m.value, m.elapsed_ms FROM attempts a "
                  "CROSS JOIN measurements m ON m.token = a.token AND m.metric = ? "
                  "WHERE a.study = ? AND a.trial = ? AND (? OR a.archived_after IS NULL OR m.step <= a.archived_after) "
                  "ORDER BY m.step, m.token"),
      read_completed_(database,
                      "SELECT t.number, m.step, m.value FROM trials t "
                      "CROSS JOIN attempts a ON a.study = t.study AND a.trial = t.number "
                      "CROSS JOIN measurements m ON m.token = a.token AND m.metric = ? "
                      "WHERE t.study = ? AND t.state = 'COMPLETED' "
                      "AND (a.archived_after IS NULL OR m.step <= a.archived_after) "
                      "ORDER BY t.number, m.step, m.token"),
      load_(database,
            "SELECT x.step, x.elapsed_ms, m.name, x.value FROM measurements x "
            "CROSS JOIN metrics m ON m.study = ? AND m.id = x.metric WHERE x.token = ? ORDER BY x.step, m.name") {}

int64_t MeasurementRows::MetricId(StudyId study, const std::string& name) {
  const auto [known, inserted] = metric_ids_.try_emplace({study, name}, 0);
  if (!inserted) return known->second;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (Rows row = find_metric_.Query(study, name); row.Next()) return known->second = row.Int();
    insert_metric_.Run(study, name);
  }
  throw SQLite::Exception("a metric name vanished while it was stored", SQLITE_CORRUPT);
}

void MeasurementRows::Add(StudyId study, Token token, const Measurement& measurement) {
  for (const Metric& metric : measurement.metrics) {
    insert_.Run(token, MetricId(study, metric.name), measurement.step, metric.value, measurement.elapsed_ms);
  }
}

void MeasurementRows::PutFinal(StudyId study, TrialNumber trial, const std::vector<Metric>& metrics) {
  delete_final_.Run(study, trial);
  for (size_t i = 0; i < metrics.size(); ++i) {
    insert_final_.Run(study, trial, i, MetricId(study, metrics[i].name), metrics[i].value);
  }
}

std::vector<MetricCurve> MeasurementRows::ReadCurves(StudyId study, TrialNumber trial,
                                                     const std::vector<std::string>& metrics, Archived archived) {
  const bool include_archived = archived == Archived::kInclude;
  std::vector<MetricCurve> curves;
  for (Rows names = list_metrics_.Query(study); names.Next();) {
    const int64_t id = names.Int();
    MetricCurve curve;
    curve.metric = names.Text();
    if (!metrics.empty() && std::find(metrics.begin(), metrics.end(), curve.metric) == metrics.end()) continue;
    for (Rows rows = read_curve_.Query(id, study, trial, include_archived); rows.Next();) {
      CurvePoint& point = curve.points.emplace_back();
      point.step = rows.Int();
      point.value = rows.Real();
      point.elapsed_ms = rows.Int();
    }
    if (!curve.points.empty()) curves.push_back(std::move(curve));
  }
  return curves;
}

std::vector<Store::TrialCurve> MeasurementRows::ReadCompletedCurves(StudyId study, const std::string& metric) {
  std::vector<Store::TrialCurve> curves;
  Rows id = find_metric_.Query(study, metric);
  if (!id.Next()) return curves;
  for (Rows rows = read_completed_.Query(id.Int(), study); rows.Next();) {
    const TrialNumber trial = rows.Int();
    if (curves.empty() || curves.back().trial != trial) curves.push_back({trial, {}});
    CurvePoint& point = curves.back().points.emplace_back();
    point.step = rows.Int();
    point.value = rows.Real();
  }
  return curves;
}

std::vector<Metric> MeasurementRows::ReadFinal(StudyId study, TrialNumber trial) {
  std::vector<Metric> metrics;
  for (Rows rows = read_final_.Query(study, trial); rows.Next();) {
    Metric& metric = metrics.emplace_back();
    metric.name = rows.Text();
    metric.value = rows.Real();
  }
  return metrics;
}

std::vector<Measurement> MeasurementRows::Load(StudyId study, Token token) {
  std::vector<Measurement> measurements;
  for (Rows rows = load_.Query(study, token); rows.Next();) {
    const int64_t step = rows.Int();
    if (measurements.empty() || measurements.back().step != step) measurements.push_back({step, 0, {}});
    Measurement& measurement = measurements.back();
    measurement.elapsed_ms = std::max(measurement.elapsed_ms, rows.Int());
    Metric& metric = measurement.metrics.emplace_back();
    metric.name = rows.Text();
    metric.value = rows.Real();
  }
  return measurements;
}

}  // namespace athanor::sqlite
