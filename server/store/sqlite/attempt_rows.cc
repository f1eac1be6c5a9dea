#include "server/store/sqlite/attempt_rows.h"

#include <algorithm>
#include <utility>

namespace athanor::sqlite {

namespace {

#define ATHANOR_ATTEMPT_COLUMNS                                                                          \
  "token, trial, worker, started_ms, ended_ms, outcome, reason, resumed_step, device, trainer_version, " \
  "libtorch_version, "                                                                                   \
  "threads, dataset_hash, acquire_sequence"

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
      insert_(database, "INSERT INTO attempts (study, " ATHANOR_ATTEMPT_COLUMNS
                        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      update_(database,
              "UPDATE attempts SET ended_ms = ?, outcome = ?, reason = ?, resumed_step = ?, device = ?, "
              "trainer_version = ?, "
              "libtorch_version = ?, threads = ?, dataset_hash = ? WHERE token = ? AND study = ? AND trial = ?"),
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
      read_(database, "SELECT " ATHANOR_ATTEMPT_COLUMNS " FROM attempts WHERE study = ? AND trial = ? ORDER BY token") {
}

void AttemptRows::Insert(StudyId study, const Attempt& attempt) {
  const Environment& environment = EnvironmentOf(attempt);
  insert_.Run(study, attempt.token, attempt.trial, attempt.worker, attempt.started, attempt.ended,
              ToWord(kAttemptOutcomes, attempt.outcome), attempt.reason, attempt.resumed_step, environment.device,
              environment.trainer_version, environment.libtorch_version, environment.threads, environment.dataset_hash,
              attempt.acquire_sequence);
}

absl::Status AttemptRows::Update(StudyId study, const Attempt& attempt) {
  const Environment& environment = EnvironmentOf(attempt);
  const int updated =
      update_.Run(attempt.ended, ToWord(kAttemptOutcomes, attempt.outcome), attempt.reason, attempt.resumed_step,
                  environment.device, environment.trainer_version, environment.libtorch_version, environment.threads,
                  environment.dataset_hash, attempt.token, study, attempt.trial);
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
  Statement select(database_, "SELECT " ATHANOR_ATTEMPT_COLUMNS
                              " FROM attempts WHERE study = ? AND outcome = 'LIVE' ORDER BY token");
  std::vector<Attempt> attempts;
  for (Rows rows = select.Query(study); rows.Next();) attempts.push_back(ReadAttempt(rows));
  return attempts;
}

void AttemptRows::LoadTrust(StudyId study, StudyImage& image) {
  Statement select(database_, "SELECT outcome, token, trial, worker FROM attempts WHERE study = ?");
  for (Rows rows = select.Query(study); rows.Next();) {
    const AttemptOutcome outcome = rows.Word(kAttemptOutcomes);
    const bool failed = outcome == AttemptOutcome::kFailed;
    if (!failed && !IsSuccess(outcome)) continue;
    const Token token = rows.Int();
    const TrialNumber trial = rows.Int();
    std::string worker = rows.Text();
    if (failed) {
      image.failed_attempts.push_back({token, trial, std::move(worker)});
    } else {
      Token& last = image.last_successes[std::move(worker)];
      last = std::max(last, token);
    }
  }
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
