#include "server/operations/commands.h"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "server/operations/check_file.h"
#include "server/operations/restore.h"

namespace athanor {
namespace {

int Fail(const char* command, const absl::Status& status, int code) {
  fmt::print(stderr, "athanor-server {}: {}\n", command, std::string(status.message()));
  return code;
}

void PrintLeftOut(const std::vector<std::string>& left_out) {
  for (const std::string& line : left_out) fmt::print("left out: {}\n", line);
}

int RunCheck(const OperationOptions& options) {
  CheckFileOptions check;
  check.snapshot.path = options.file;
  check.checkpoint_dir = options.checkpoint_dir;
  bool corrupt = false;
  const auto summary = CheckFile(check, [&](const Finding& finding) {
    corrupt |= finding.kind == FindingKind::kFile;
    fmt::print("{}\n", finding.text);
  });
  if (!summary.ok()) return Fail("check", summary.status(), 2);
  const HistoryCounts& history = summary->history;
  fmt::print("{}: schema version {}", options.file, summary->schema_version);
  if (!corrupt) {
    fmt::print(", {} studies, {} trials, {} attempts, {} measurements, {} checkpoints", history.studies, history.trials,
               history.attempts, history.measurements, summary->checkpoints);
  }
  fmt::print(": {}\n", summary->findings == 0 ? "sound" : fmt::format("{} findings", summary->findings));
  return summary->findings == 0 ? 0 : 1;
}

int RunBackup(const OperationOptions& options) {
  BackupOptions backup;
  backup.database = options.database;
  backup.checkpoint_dir = options.checkpoint_dir;
  backup.target = options.file;
  backup.existing = options.existing;
  const auto summary = Backup(backup);
  if (!summary.ok()) return Fail("backup", summary.status(), 1);
  PrintLeftOut(summary->left_out);
  fmt::print("{}: {} bytes and {} checkpoints of {}\n", options.file, summary->database_bytes, summary->checkpoints,
             options.database);
  return 0;
}

int RunRestore(const OperationOptions& options) {
  RestoreOptions restore;
  restore.backup = options.file;
  restore.database = options.database;
  restore.checkpoint_dir = options.checkpoint_dir;
  restore.existing = options.existing;
  const auto summary = Restore(restore);
  if (!summary.ok()) return Fail("restore", summary.status(), 1);
  PrintLeftOut(summary->left_out);
  for (const std::string& path : summary->moved_aside) fmt::print("moved aside: {}\n", path);
  fmt::print("{}: restored from {} with {} checkpoints\n", options.database, options.file, summary->checkpoints);
  return 0;
}

}  // namespace

int Run(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kCheck:
      return RunCheck(operation.options);
    case Operation::Kind::kBackup:
      return RunBackup(operation.options);
    case Operation::Kind::kRestore:
      return RunRestore(operation.options);
  }
  return 2;
}

}  // namespace athanor
