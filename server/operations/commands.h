// athanor-server check, backup and restore: what they print, and with which code they exit.
#pragma once

#include <string>

#include "server/operations/backup.h"

namespace athanor {

// What the command line of one of them asks for.
struct OperationOptions {
  std::string file;                       // to check; the backup
  std::string database = "./athanor.db";  // backed up from, restored to
  std::string checkpoint_dir;             // of the database, or of the checked file
  Existing existing = Existing::kRefuse;
};

struct Operation {
  enum class Kind { kCheck, kBackup, kRestore };
  Kind kind = Kind::kCheck;
  OperationOptions options;
};

// Prints what it did and what it found on stdout, and why it could not on stderr in one line. Blocks. Returns the exit
// code. Check: 0 sound, 1 findings, each printed, 2 it could not be checked. Backup, restore: 0 done, 1 not.
int Run(const Operation& operation);

}  // namespace athanor
