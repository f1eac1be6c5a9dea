#include "server/store/sqlite/spec_rows.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/store/sqlite/statement.h"
#include "server/store/sqlite/stopping_rows.h"

namespace athanor::sqlite {

namespace {

using Labels = std::map<std::string, std::string>;

void InsertLabels(SQLite::Database& database, const char* sql, StudyId study, const Labels& labels) {
  Statement insert(database, sql);
  for (const auto& [key, value] : labels) insert.Run(study, key, value);
}

Labels LoadLabels(SQLite::Database& database, const char* sql, StudyId study) {
  Statement select(database, sql);
  Labels labels;
  for (Rows rows = select.Query(study); rows.Next();) {
    std::string key = rows.Text();
    labels[std::move(key)] = rows.Text();
  }
  return labels;
}

void InsertObjectives(SQLite::Database& database, StudyId study, const std::vector<Objective>& objectives) {
  Statement insert(database, "INSERT INTO objectives (study, position, metric, goal) VALUES (?, ?, ?, ?)");
  for (size_t i = 0; i < objectives.size(); ++i) {
    insert.Run(study, i, objectives[i].metric, ToWord(kGoals, objectives[i].goal));
  }
}

std::vector<Objective> LoadObjectives(SQLite::Database& database, StudyId study) {
  Statement select(database, "SELECT metric, goal FROM objectives WHERE study = ? ORDER BY position");
  std::vector<Objective> objectives;
  for (Rows rows = select.Query(study); rows.Next();) {
    Objective& objective = objectives.emplace_back();
    objective.metric = rows.Text();
    objective.goal = rows.Word(kGoals);
  }
  return objectives;
}

void InsertConditions(SQLite::Database& database, StudyId study, size_t parameter, const std::vector<Condition>& when) {
  Statement insert(database, "INSERT INTO conditions (study, parameter, position, parent) VALUES (?, ?, ?, ?)");
  Statement insert_value(database,
                         "INSERT INTO condition_values (study, parameter, condition, position, kind, value) "
                         "VALUES (?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < when.size(); ++i) {
    insert.Run(study, parameter, i, when[i].parent);
    for (size_t j = 0; j < when[i].values.size(); ++j) {
      insert_value.Run(study, parameter, i, j, when[i].values[j]);
    }
  }
}

void InsertParameters(SQLite::Database& database, StudyId study, const std::vector<Parameter>& parameters) {
  Statement insert(database,
                   "INSERT INTO parameters (study, position, name, type, min, max, scale, step, points) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  Statement insert_value(
      database, "INSERT INTO parameter_values (study, parameter, position, kind, value) VALUES (?, ?, ?, ?, ?)");
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    insert.Run(study, i, parameter.name, ToWord(kParameterTypes, parameter.type), parameter.min, parameter.max,
               ToWord(kScales, parameter.scale), parameter.step, parameter.points);
    for (size_t j = 0; j < parameter.values.size(); ++j) insert_value.Run(study, i, j, parameter.values[j]);
    InsertConditions(database, study, i, parameter.when);
  }
}

// `at` throws std::out_of_range on an index that no row can have while foreign keys hold.
void LoadConditions(SQLite::Database& database, StudyId study, std::vector<Parameter>& parameters) {
  Statement select(database, "SELECT parameter, parent FROM conditions WHERE study = ? ORDER BY parameter, position");
  for (Rows rows = select.Query(study); rows.Next();) {
    Parameter& parameter = parameters.at(rows.Unsigned());
    parameter.when.emplace_back().parent = rows.Text();
  }
  Statement select_values(database,
                          "SELECT parameter, condition, kind, value FROM condition_values WHERE study = ? "
                          "ORDER BY parameter, condition, position");
  for (Rows rows = select_values.Query(study); rows.Next();) {
    Parameter& parameter = parameters.at(rows.Unsigned());
    Condition& condition = parameter.when.at(rows.Unsigned());
    condition.values.push_back(rows.TypedValue());
  }
}

std::vector<Parameter> LoadParameters(SQLite::Database& database, StudyId study) {
  Statement select(
      database, "SELECT name, type, min, max, scale, step, points FROM parameters WHERE study = ? ORDER BY position");
  std::vector<Parameter> parameters;
  for (Rows rows = select.Query(study); rows.Next();) {
    Parameter& parameter = parameters.emplace_back();
    parameter.name = rows.Text();
    parameter.type = rows.Word(kParameterTypes);
    parameter.min = rows.Real();
    parameter.max = rows.Real();
    parameter.scale = rows.Word(kScales);
    parameter.step = rows.OptionalReal();
    parameter.points = rows.OptionalInt();
  }
  Statement select_values(
      database, "SELECT parameter, kind, value FROM parameter_values WHERE study = ? ORDER BY parameter, position");
  for (Rows rows = select_values.Query(study); rows.Next();) {
    Parameter& parameter = parameters.at(rows.Unsigned());
    parameter.values.push_back(rows.TypedValue());
  }
  LoadConditions(database, study, parameters);
  return parameters;
}

}  // namespace

void InsertSpecLists(SQLite::Database& database, StudyId study, const StudySpec& spec) {
  InsertLabels(database, "INSERT INTO study_labels (study, key, value) VALUES (?, ?, ?)", study, spec.labels);
  InsertLabels(database, "INSERT INTO required_labels (study, key, value) VALUES (?, ?, ?)", study,
               spec.requirements.labels);
  InsertObjectives(database, study, spec.objectives);
  InsertStopping(database, study, spec.early_stopping);
  InsertParameters(database, study, spec.parameters);
  Statement insert(database, "INSERT INTO trainer_settings (study, name, kind, value) VALUES (?, ?, ?, ?)");
  for (const auto& [name, value] : spec.trainer) insert.Run(study, name, value);
  Statement insert_source(database, "INSERT INTO warm_start_studies (study, position, name) VALUES (?, ?, ?)");
  for (size_t i = 0; i < spec.warm_start.size(); ++i) insert_source.Run(study, i, spec.warm_start[i]);
}

void LoadSpecLists(SQLite::Database& database, StudyId study, StudySpec& spec) {
  spec.labels = LoadLabels(database, "SELECT key, value FROM study_labels WHERE study = ?", study);
  spec.requirements.labels = LoadLabels(database, "SELECT key, value FROM required_labels WHERE study = ?", study);
  spec.objectives = LoadObjectives(database, study);
  spec.early_stopping = LoadStopping(database, study);
  spec.parameters = LoadParameters(database, study);
  Statement select(database, "SELECT name, kind, value FROM trainer_settings WHERE study = ?");
  for (Rows rows = select.Query(study); rows.Next();) {
    std::string name = rows.Text();
    spec.trainer.insert_or_assign(std::move(name), rows.TypedValue());
  }
  Statement select_sources(database, "SELECT name FROM warm_start_studies WHERE study = ? ORDER BY position");
  for (Rows rows = select_sources.Query(study); rows.Next();) spec.warm_start.push_back(rows.Text());
}

}  // namespace athanor::sqlite
