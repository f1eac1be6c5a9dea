#include "server/operation_flags.h"

#include <memory>
#include <string>

namespace athanor {
namespace {

struct Subcommand {
  Operation::Kind kind;
  const char* name;
  const char* help;
  const char* file_help;
  const char* example;
};
constexpr Subcommand kSubcommands[] = {
    {Operation::Kind::kCheck, "check",
     "Check a database: the file, its whole history, and the files of its checkpoints. Changes nothing; works while a "
     "coordinator runs on it",
     "the database",
     "Example: athanor-server check /var/lib/athanor/athanor.db\n"
     "Exit codes: 0 sound, 1 findings (each printed), 2 it could not be checked"},
    {Operation::Kind::kBackup, "backup",
     "Copy a database and its checkpoints as they are at one moment; works while a coordinator runs on it. Logs and "
     "artifacts of trials, in DATABASE.logs and DATABASE.artifacts, are not copied: nothing depends on them",
     "the copy to make; its checkpoints go to FILE.checkpoints",
     "Example: athanor-server backup /backup/athanor-monday.db --database /var/lib/athanor/athanor.db"},
    {Operation::Kind::kRestore, "restore",
     "Check a backup and put it in place, with its checkpoints; no coordinator may run on the database. A trial whose "
     "checkpoint the backup has not (each is named) goes on from an older one, or from step 0",
     "the backup; its checkpoints are in FILE.checkpoints",
     "Example: athanor-server restore /backup/athanor-monday.db --database /var/lib/athanor/athanor.db"},
};

void AddExisting(CLI::App& command, Operation::Kind kind, OperationOptions& options) {
  command.add_flag_callback(
      "--force", [&options] { options.existing = Existing::kReplace; },
      kind == Operation::Kind::kBackup ? "replace FILE if it exists"
                                       : "move an existing database aside, with its checkpoints and its trials' logs, "
                                         "as DATABASE.old-1 or the next free number");
}

void AddOne(CLI::App& app, const Subcommand& subcommand, std::optional<Operation>& operation) {
  CLI::App& command = *app.add_subcommand(subcommand.name, subcommand.help);
  command.footer(subcommand.example);
  const auto options = std::make_shared<OperationOptions>();
  command.add_option("FILE", options->file, subcommand.file_help)->required();
  const bool names_database = subcommand.kind != Operation::Kind::kCheck;
  if (names_database) {
    command.add_option("--database", options->database, "the coordinator's database (default ./athanor.db)");
    AddExisting(command, subcommand.kind, *options);
  }
  command.add_option("--checkpoint-dir", options->checkpoint_dir,
                     names_database ? "the coordinator's checkpoints (default DATABASE.checkpoints)"
                                    : "the checkpoints of FILE (default FILE.checkpoints)");
  command.callback([kind = subcommand.kind, options, &operation] {
    operation = Operation{kind, *options};
    OperationOptions& chosen = operation->options;
    if (!chosen.checkpoint_dir.empty()) return;
    chosen.checkpoint_dir = (kind == Operation::Kind::kCheck ? chosen.file : chosen.database) + ".checkpoints";
  });
}

}  // namespace

void AddOperations(CLI::App& app, std::optional<Operation>& operation) {
  for (const Subcommand& subcommand : kSubcommands) AddOne(app, subcommand, operation);
  app.require_subcommand(0, 1);
}

}  // namespace athanor
