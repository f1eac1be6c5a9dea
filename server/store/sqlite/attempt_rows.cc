#include "server/store/sqlite/attempt_rows.h"

#include <algorithm>
#include <utility>

namespace athanor::sqlite {

namespace {

#define ATHANOR_SELECT_ATTEMPTS                                                                                \
  "SELECT a.token, a.trial, w.name, a.started_ms, a.ended_ms, a.outcome, a.reason, a.resumed_step, e.device, " \
  "e.trainer_version, e.libtorch_version, e.threads, e.dataset_hash, a.acquire_sequence FROM attempts a "      \
  "CROSS JOIN worker_names w ON w.id = a.worker CROSS JOIN environments e ON e.id = a.environment "

Attempt ReadAttempt(Rows& row) {
  Attempt attempt;
  attempt.token = row.Int();
  attempt.trial = row.Int();
  attempt.worker = row.Text();
  attempt.started = row.Time();
  attempt.ended = row.Time();
  attempt.outcome = row.Word(kAttemptOutcomes);
  attempt.reason = row.Text();
  attempt.resumed_step = row.OptionalInt();
  Environment environment;
  environment.device = row.Text();
  environment.trainer_version = row.Text();
  environment.libtorch_version = row.Text();
  environment.threads = row.Int();
  environment.dataset_hash = row.Text();
  if (environment != Environment()) attempt.environment = std::make_shared<const Environment>(std::move(environment));
  attempt.acquire_sequence = row.Unsigned();
  return attempt;
}

}  // namespace

AttemptRows::AttemptRows(SQLite::Database& database)
    : database_(database),
      shared_(database),
      insert_(database,
              "INSERT INTO attempts (token, study, trial, worker, started_ms, ended_ms, outcome, reason, resumed_step, "
              "environment, acquire_sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      update_(database,
              "UPDATE attempts SET ended_ms = ?, outcome = ?, reason = ?, resumed_step = ?, environment = ? "
              "WHERE token = ? AND study = ? AND trial = ?"),
      check_(database, "SELECT 1 FROM attempts WHERE token = ? AND study = ? AND trial = ?"),
      archive_(database,
               "UPDATE attempts SET archived_after = ?1 WHERE study = ?2 AND trial = ?3 AND token <> ?4 "
               "AND (archived_after IS NULL OR archived_after > ?1)"),
      add_checkpoint_(
          database,
          "INSERT INTO checkpoints (study, trial, step, token, sha256, size_bytes) VALUES (?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (study, trial, step, token) "
          "DO UPDATE SET sha256 = excluded.sha256, size_bytes = excluded.size_bytes"),
      remove_checkpoint_(database, "DELETE FROM checkpoints WHERE study = ? AND trial = ? AND step = ? AND token = ?"),
      read_(database, ATHANOR_SELECT_ATTEMPTS "WHERE a.study = ? AND a.trial = ? ORDER BY a.token") {}

void AttemptRows::Insert(StudyId study, const Attempt& attempt) {
  insert_.Run(attempt.token, study, attempt.trial, shared_.WorkerId(attempt.worker), attempt.started, attempt.ended,
              ToWord(kAttemptOutcomes, attempt.outcome), attempt.reason, attempt.resumed_step,
              shared_.EnvironmentId(EnvironmentOf(attempt)), attempt.acquire_sequence);
}

absl::Status AttemptRows::Update(StudyId study, const Attempt& attempt) {
  const int updated =
      update_.Run(attempt.ended, ToWord(kAttemptOutcomes, attempt.outcome), attempt.reason, attempt.resumed_step,
                  shared_.EnvironmentId(EnvironmentOf(attempt)), attempt.token, study, attempt.trial);
  return updated > 0 ? absl::OkStatus() : absl::NotFoundError("no such attempt");
}

absl::Status AttemptRows::Check(StudyId study, TrialNumber trial, Token token) {
  return check_.Query(token, study, trial).Next() ? absl::OkStatus() : absl::NotFoundError("no such attempt");
}

void AttemptRows::ArchiveAfter(StudyId study, TrialNumber trial, int64_t step, Token by) {
  archive_.Run(step, study, trial, by);
}

void AttemptRows::AddCheckpoint(StudyId study, const Checkpoint& checkpoint) {
  add_checkpoint_.Run(study, checkpoint.trial, checkpoint.step, checkpoint.token, checkpoint.sha256,
                      checkpoint.size_bytes);
}

void AttemptRows::RemoveCheckpoint(StudyId study, const Checkpoint& checkpoint) {
  remove_checkpoint_.Run(study, checkpoint.trial, checkpoint.step, checkpoint.token);
}

std::vector<Attempt> AttemptRows::Read(StudyId study, TrialNumber trial) {
  std::vector<Attempt> attempts;
  for (Rows rows = read_.Query(study, trial); rows.Next();) attempts.push_back(ReadAttempt(rows));
  return attempts;
}

std::vector<Attempt> AttemptRows::LoadLive(StudyId study) {
  Statement select(database_, ATHANOR_SELECT_ATTEMPTS "WHERE a.study = ? AND a.outcome = 'LIVE' ORDER BY a.token");
  std::vector<Attempt> attempts;
  for (Rows rows = select.Query(study); rows.Next();) attempts.push_back(ReadAttempt(rows));
  return attempts;
}

void AttemptRows::LoadTrust(StudyId study, StudyImage& image) {
  std::map<int64_t, Token> last_successes;  // by worker
  const std::map<int64_t, std::string> names = shared_.LoadWorkers();
  const auto name_of = [&](int64_t worker) {
    const auto found = names.find(worker);
    if (found == names.end()) throw SQLite::Exception("an attempt's worker has no name", SQLITE_CORRUPT);
    return found->second;
  };
  Statement select(database_, "SELECT outcome, token, trial, worker FROM attempts WHERE study = ?");
  for (Rows rows = select.Query(study); rows.Next();) {
    const AttemptOutcome outcome = rows.Word(kAttemptOutcomes);
    if (outcome != AttemptOutcome::kFailed && !IsSuccess(outcome)) continue;
    const Token token = rows.Int();
    const TrialNumber trial = rows.Int();
    const int64_t worker = rows.Int();
    if (outcome == AttemptOutcome::kFailed) {
      image.failed_attempts.push_back({token, trial, name_of(worker)});
    } else {
      Token& last = last_successes[worker];
      last = std::max(last, token);
    }
  }
  for (const auto& [worker, token] : last_successes) image.last_successes[name_of(worker)] = token;
  std::ranges::sort(image.failed_attempts, {}, &StudyImage::FailedAttempt::token);
}

std::vector<Checkpoint> AttemptRows::LoadCheckpoints(StudyId study) {
  Statement select(
      database_,
      "SELECT trial, token, step, sha256, size_bytes FROM checkpoints WHERE study = ? ORDER BY trial, step, token");
  std::vector<Checkpoint> checkpoints;
  for (Rows rows = select.Query(study); rows.Next();) {
    Checkpoint& checkpoint = checkpoints.emplace_back();
    checkpoint.trial = rows.Int();
    checkpoint.token = rows.Int();
    checkpoint.step = rows.Int();
    checkpoint.sha256 = rows.Text();
    checkpoint.size_bytes = rows.Int();
  }
  return checkpoints;
}

}  // namespace athanor::sqlite
