#include "server/store/sqlite/sqlite_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/status.h"
#include "server/store/describe.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/errors.h"
#include "server/store/sqlite/file_lock.h"
#include "server/store/sqlite/schema.h"
#include "server/store/sqlite/tables.h"
#include "sqlite3.h"

namespace athanor {

namespace {

using sqlite::FileLock;
using sqlite::Guarded;
using sqlite::Statement;
using sqlite::Tables;

class SqliteStore final : public Store {
 public:
  SqliteStore(const SqliteOptions& options, std::unique_ptr<FileLock> lock, SQLite::Database writer,
              SQLite::Database reader)
      : path_(options.path),
        cache_kib_(options.cache_kib),
        schema_version_(options.migrations.empty() ? sqlite::LatestSchemaVersion() : options.migrations.back().version),
        faults_(options.faults),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        tables_(writer_),
        begin_(writer_, "BEGIN IMMEDIATE"),
        commit_(writer_, "COMMIT"),
        rollback_(writer_, "ROLLBACK"),
        reader_(std::move(reader)),
        read_tables_(reader_),
        begin_reading_(reader_, "BEGIN"),
        end_reading_(reader_, "COMMIT") {}

  absl::Status Commit(const ChangeBatch& batch) override {
    if (batch.empty()) return absl::OkStatus();
    absl::Status status = Guarded(path_, [&] { return ApplyInTransaction(batch); });
    if (!status.ok()) Rollback();
    return status;
  }

  absl::StatusOr<std::vector<StudyId>> LoadStudyIds() override {
    return Guarded(path_, [&]() -> absl::StatusOr<std::vector<StudyId>> { return tables_.studies.LoadIds(); });
  }

  absl::StatusOr<StudyImage> LoadStudy(StudyId study) override {
    return Guarded(path_, [&] {
      const sqlite::SmallCache while_reading(writer_, cache_kib_);
      return sqlite::LoadStudyImage(study, tables_);
    });
  }

  absl::StatusOr<std::vector<WorkerRecord>> LoadWorkers() override {
    return Guarded(path_, [&]() -> absl::StatusOr<std::vector<WorkerRecord>> { return tables_.workers.Load(); });
  }

  absl::StatusOr<HighestIds> LoadHighestIds() override {
    return Guarded(path_, [&]() -> absl::StatusOr<HighestIds> { return tables_.studies.LoadHighestIds(); });
  }

  absl::StatusOr<std::optional<RequestRecord>> FindRequest(const std::string& id) override {
    return Guarded(path_, [&]() -> absl::StatusOr<std::optional<RequestRecord>> { return tables_.requests.Find(id); });
  }

  absl::StatusOr<std::vector<MetricCurve>> ReadCurves(StudyId study, TrialNumber trial,
                                                      const std::vector<std::string>& metrics,
                                                      Archived archived) override {
    return ReadTrial<std::vector<MetricCurve>>(
        study, trial, [&](Tables& tables) { return tables.measurements.ReadCurves(study, trial, metrics, archived); });
  }

  absl::StatusOr<std::vector<TrialCurve>> ReadCompletedCurves(StudyId study, const std::string& metric) override {
    return ReadStudy<std::vector<TrialCurve>>(
        study, [&](Tables& tables) { return tables.measurements.ReadCompletedCurves(study, metric); });
  }

  absl::StatusOr<std::vector<Attempt>> ReadAttempts(StudyId study, TrialNumber trial) override {
    return ReadTrial<std::vector<Attempt>>(study, trial,
                                           [&](Tables& tables) { return tables.attempts.Read(study, trial); });
  }

  absl::StatusOr<std::vector<Measurement>> ReadMeasurements(StudyId study, TrialNumber trial, Token token) override {
    return ReadTrial<std::vector<Measurement>>(study, trial, [&](Tables& tables) -> std::vector<Measurement> {
      if (!tables.attempts.Check(study, trial, token).ok()) return {};
      return tables.measurements.Load(study, token);
    });
  }

  absl::StatusOr<std::vector<DecisionRecord>> ReadDecisions(StudyId study, std::optional<TrialNumber> trial,
                                                            Revision after, int64_t limit) override {
    return ReadStudy<std::vector<DecisionRecord>>(
        study, [&](Tables& tables) { return tables.decisions.Read(study, trial, after, limit); });
  }

  absl::StatusOr<std::vector<Metric>> ReadFinalMetrics(StudyId study, TrialNumber trial) override {
    return ReadTrial<std::vector<Metric>>(study, trial,
                                          [&](Tables& tables) { return tables.measurements.ReadFinal(study, trial); });
  }

  absl::StatusOr<StoreSize> ReadSize() override {
    std::error_code error;
    const uintmax_t bytes = std::filesystem::file_size(path_, error);
    if (error) return absl::UnavailableError(absl::StrCat(path_, ": ", error.message()));
    const uintmax_t log_bytes = std::filesystem::file_size(path_ + "-wal", error);
    return StoreSize{path_, static_cast<int64_t>(bytes + (error ? 0 : log_bytes)), schema_version_};
  }

 private:
  absl::Status ApplyInTransaction(const ChangeBatch& batch) {
    begin_.Run();
    faults_.Pass(FaultPoint::kTransactionBegun);
    for (const Change& change : batch) {
      const absl::Status status = Guarded(path_, [&] { return sqlite::Apply(change, tables_); });
      if (!status.ok()) return absl::Status(status.code(), absl::StrCat(Describe(change), ": ", status.message()));
      faults_.Pass(FaultPoint::kChangeWritten);
    }
    faults_.Pass(FaultPoint::kTransactionEnding);
    commit_.Run();
    faults_.Pass(FaultPoint::kTransactionEnded);
    return absl::OkStatus();
  }

  // Leaves the writing connection as if the failed transaction had never been. SQLite has rolled back by itself after
  // some errors (disk full, I/O error); a rollback touches memory only, so it has nothing to fail on.
  void Rollback() {
    tables_.measurements.ForgetMetricNames();
    tables_.attempts.ForgetShared();
    if (sqlite3_get_autocommit(writer_.getHandle()) != 0) return;
    Guarded(path_, [&] {
      rollback_.Run();
      return absl::OkStatus();
    }).IgnoreError();
  }

  // One committed state for all queries of `body`.
  template <typename Result, typename Body>
  absl::StatusOr<Result> ReadStudy(StudyId study, Body body) {
    return Read<Result>([&](Tables& tables) -> absl::StatusOr<Result> {
      if (!tables.studies.Exists(study)) return absl::NotFoundError(absl::StrCat("no study ", study));
      return body(tables);
    });
  }

  template <typename Result, typename Body>
  absl::StatusOr<Result> ReadTrial(StudyId study, TrialNumber trial, Body body) {
    return Read<Result>([&](Tables& tables) -> absl::StatusOr<Result> {
      if (!tables.trials.Check(study, trial).ok()) {
        return absl::NotFoundError(absl::StrCat("no trial ", trial, " of study ", study));
      }
      return body(tables);
    });
  }

  template <typename Result, typename Body>
  absl::StatusOr<Result> Read(Body body) {
    const MutexLock lock(reader_mutex_);
    return Guarded(path_, [&]() -> absl::StatusOr<Result> {
      begin_reading_.Run();
      const EndReading end_at_exit{end_reading_, path_};
      return body(read_tables_);
    });
  }

  struct EndReading {
    Statement& end;
    const std::string& path;
    ~EndReading() {
      Guarded(path, [&] {
        end.Run();
        return absl::OkStatus();
      }).IgnoreError();
    }
  };

  const std::string path_;
  const int64_t cache_kib_;
  const int32_t schema_version_;
  const FaultHook faults_;
  const std::unique_ptr<FileLock> lock_;  // outlives both connections

  // The writer thread's.
  SQLite::Database writer_;
  Tables tables_;
  Statement begin_;
  Statement commit_;
  Statement rollback_;

  Mutex reader_mutex_;
  SQLite::Database reader_ ATHANOR_GUARDED_BY(reader_mutex_);
  Tables read_tables_ ATHANOR_GUARDED_BY(reader_mutex_);
  Statement begin_reading_ ATHANOR_GUARDED_BY(reader_mutex_);
  Statement end_reading_ ATHANOR_GUARDED_BY(reader_mutex_);
};

// The one name of the file, whatever links lead to it. NOT_FOUND if its directory does not exist.
absl::StatusOr<std::string> ResolvePath(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the database has no path");
  std::error_code error;
  const std::filesystem::path resolved =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
  if (!std::filesystem::is_directory(resolved.parent_path(), error)) {
    return absl::NotFoundError(absl::StrCat(path, ": no directory ", resolved.parent_path().string()));
  }
  return resolved.string();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string path, ResolvePath(options.path));
  ATHANOR_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, FileLock::Acquire(path));
  return Guarded(path, [&]() -> absl::StatusOr<std::unique_ptr<Store>> {
    SqliteOptions resolved = options;
    resolved.path = path;
    ATHANOR_ASSIGN_OR_RETURN(SQLite::Database writer, sqlite::OpenForWriting(resolved));
    return std::make_unique<SqliteStore>(resolved, std::move(lock), std::move(writer),
                                         sqlite::OpenForReading(resolved));
  });
}

bool WasLeftOpen(const std::string& path) {
  const auto resolved = ResolvePath(path);
  std::error_code missing;
  return resolved.ok() && std::filesystem::file_size(*resolved + "-wal", missing) > 0 && !missing;
}

}  // namespace athanor
