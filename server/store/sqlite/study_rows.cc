#include "server/store/sqlite/study_rows.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite/spec_rows.h"

namespace athanor::sqlite {

StudyRows::StudyRows(SQLite::Database& database)
    : database_(database),
      update_(database,
              "UPDATE studies SET priority = ?, state = ?, reason = ?, created_ms = ?, ended_ms = ?, active_ms = ?, "
              "revision = ?, "
              "budget_trials = ?, budget_parallel = ?, budget_wall_clock_ms = ?, budget_max_failures = ?, "
              "budget_target = ? "
              "WHERE id = ?"),
      exists_(database, "SELECT 1 FROM studies WHERE id = ?"),
      push_enqueued_(database, "INSERT INTO enqueued_configurations (study, id) VALUES (?, ?)"),
      push_enqueued_value_(database,
                           "INSERT INTO enqueued_values (study, id, parameter, kind, value) VALUES (?, ?, ?, ?, ?)"),
      raise_last_enqueued_(database, "UPDATE studies SET last_enqueued = max(last_enqueued, ?) WHERE id = ?"),
      pop_enqueued_(database, "DELETE FROM enqueued_configurations WHERE study = ? AND id = ?") {}

absl::Status StudyRows::Put(const StudyRecord& study) {
  const BudgetOptions& budget = study.spec.budget;
  const int updated = update_.Run(study.spec.priority, ToWord(kStudyStates, study.state), study.reason, study.created,
                                  study.ended, study.active_ms, study.revision, budget.trials, budget.parallel,
                                  budget.wall_clock_ms, budget.max_failures, budget.target, study.id);
  if (updated > 0) return absl::OkStatus();
  if (study.id <= LoadHighestIds().study) return absl::NotFoundError("it is gone, and its id is never used again");
  Insert(study);
  return absl::OkStatus();
}

void StudyRows::Insert(const StudyRecord& study) {
  const StudySpec& spec = study.spec;
  Statement(
      database_,
      "INSERT INTO studies (id, name, description, owner, priority, state, reason, created_ms, ended_ms, active_ms, "
      "revision, resource, search_method, search_seed, search_startup_trials, search_random_share, search_picked, "
      "search_picked_reason, budget_trials, budget_parallel, budget_wall_clock_ms, "
      "budget_max_failures, budget_target, retry_max_attempts, retry_stall_timeout_ms, requires_device, "
      "requires_devices, checkpoint_interval_ms, checkpoint_keep_best) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Run(study.id, spec.name, spec.description, spec.owner, spec.priority, ToWord(kStudyStates, study.state),
           study.reason, study.created, study.ended, study.active_ms, study.revision, ToWord(kResources, spec.resource),
           spec.search.method, spec.search.seed, spec.search.startup_trials, spec.search.random_share,
           spec.search.picked, spec.search.picked_reason, spec.budget.trials, spec.budget.parallel,
           spec.budget.wall_clock_ms, spec.budget.max_failures, spec.budget.target, spec.retry.max_attempts,
           spec.retry.stall_timeout_ms, spec.requirements.device, spec.requirements.devices,
           spec.checkpoint.interval_ms, spec.checkpoint.keep_best);
  InsertSpecLists(database_, study.id, spec);
}

void StudyRows::Delete(StudyId study) {
  // The highest token must outlive its row.
  Statement(database_,
            "INSERT INTO high_water (name, value) SELECT 'token', max(token) FROM attempts HAVING count(*) > 0 "
            "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)")
      .Run();
  // These have no index by trial to cascade through.
  Statement(database_, "DELETE FROM rung_entries WHERE study = ?").Run(study);
  Statement(database_, "DELETE FROM studies WHERE id = ?").Run(study);
}

bool StudyRows::Exists(StudyId study) { return exists_.Query(study).Next(); }

void StudyRows::PushEnqueued(StudyId study, const EnqueuedConfiguration& configuration) {
  push_enqueued_.Run(study, configuration.id);
  for (size_t i = 0; i < configuration.fixed.size(); ++i) {
    if (configuration.fixed[i].has_value()) {
      push_enqueued_value_.Run(study, configuration.id, i, *configuration.fixed[i]);
    }
  }
  raise_last_enqueued_.Run(configuration.id, study);
}

void StudyRows::PopEnqueued(StudyId study, int64_t id) { pop_enqueued_.Run(study, id); }

std::vector<StudyId> StudyRows::LoadIds() {
  Statement select(database_, "SELECT id FROM studies ORDER BY id");
  std::vector<StudyId> ids;
  for (Rows rows = select.Query(); rows.Next();) ids.push_back(rows.Int());
  return ids;
}

absl::StatusOr<StudyRecord> StudyRows::Load(StudyId id) {
  Statement select(
      database_,
      "SELECT name, description, owner, priority, state, reason, created_ms, ended_ms, active_ms, revision, resource, "
      "search_method, search_seed, search_startup_trials, search_random_share, search_picked, search_picked_reason, "
      "budget_trials, budget_parallel, budget_wall_clock_ms, budget_max_failures, "
      "budget_target, retry_max_attempts, retry_stall_timeout_ms, requires_device, requires_devices, "
      "checkpoint_interval_ms, checkpoint_keep_best FROM studies WHERE id = ?");
  Rows row = select.Query(id);
  if (!row.Next()) return absl::NotFoundError(absl::StrCat("no study ", id));
  StudyRecord study;
  StudySpec& spec = study.spec;
  study.id = id;
  spec.name = row.Text();
  spec.description = row.Text();
  spec.owner = row.Text();
  spec.priority = row.Int();
  study.state = row.Word(kStudyStates);
  study.reason = row.Text();
  study.created = row.Time();
  study.ended = row.Time();
  study.active_ms = row.Int();
  study.revision = row.Int();
  spec.resource = row.Word(kResources);
  spec.search.method = row.Text();
  spec.search.seed = row.Unsigned();
  spec.search.startup_trials = row.OptionalInt();
  spec.search.random_share = row.OptionalReal();
  spec.search.picked = row.Text();
  spec.search.picked_reason = row.Text();
  spec.budget.trials = row.OptionalInt();
  spec.budget.parallel = row.Int();
  spec.budget.wall_clock_ms = row.OptionalInt();
  spec.budget.max_failures = row.OptionalInt();
  spec.budget.target = row.OptionalReal();
  spec.retry.max_attempts = row.Int();
  spec.retry.stall_timeout_ms = row.Int();
  spec.requirements.device = row.Text();
  spec.requirements.devices = row.Int();
  spec.checkpoint.interval_ms = row.Int();
  spec.checkpoint.keep_best = row.Int();
  LoadSpecLists(database_, id, spec);
  return study;
}

std::vector<EnqueuedConfiguration> StudyRows::LoadEnqueued(StudyId study, size_t parameters) {
  // A configuration of which nothing is fixed has no values, so its row comes with NULLs.
  Statement select(database_,
                   "SELECT c.id, v.parameter, v.kind, v.value FROM enqueued_configurations c "
                   "LEFT JOIN enqueued_values v ON v.study = c.study AND v.id = c.id "
                   "WHERE c.study = ? ORDER BY c.id, v.parameter");
  std::vector<EnqueuedConfiguration> queue;
  for (Rows rows = select.Query(study); rows.Next();) {
    const int64_t id = rows.Int();
    if (queue.empty() || queue.back().id != id) queue.push_back({id, Configuration(parameters)});
    const std::optional<int64_t> parameter = rows.OptionalInt();
    if (parameter.has_value()) queue.back().fixed.at(static_cast<size_t>(*parameter)) = rows.TypedValue();
  }
  return queue;
}

int64_t StudyRows::LoadLastEnqueued(StudyId study) {
  Statement select(database_, "SELECT last_enqueued FROM studies WHERE id = ?");
  Rows row = select.Query(study);
  return row.Next() ? row.Int() : 0;
}

Store::HighestIds StudyRows::LoadHighestIds() {
  Statement select(database_,
                   "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'studies'), 0), "
                   "max(coalesce((SELECT max(token) FROM attempts), 0), "
                   "    coalesce((SELECT value FROM high_water WHERE name = 'token'), 0))");
  Rows row = select.Query();
  row.Next();
  Store::HighestIds highest;
  highest.study = row.Int();
  highest.token = row.Int();
  return highest;
}

}  // namespace athanor::sqlite
