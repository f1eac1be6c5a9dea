// Where a test may interfere with a running program: the points of the coordinator's write path, by name, and a hook
// that is called at each of them.
//
// Production code passes the default hook, which does nothing and costs a branch a point. What a test's hook does (end
// the process, say, to see what is left on the disk) is its own affair; no point expects it to return anything.
//
// Threads: a point is passed on whatever thread does the work, several at once; a hook must be thread-safe.
#pragma once

#include <array>
#include <functional>
#include <utility>

namespace athanor {

enum class FaultPoint {
  // Bringing the schema of a database up to date, in this order.
  kMigrationBegun,
  kMigrationApplied,  // once a migration; nothing is committed
  kMigrationCommitted,
  // Start-up, in this order.
  kStoreOpened,
  kFilesOpened,
  kStateLoaded,
  kFilesSwept,
  kListening,  // calls may arrive; nothing applies them yet
  // A group of operations that changes something, in this order.
  kGroupApplied,       // to memory; nothing is in the store
  kTransactionBegun,   // in the store
  kChangeWritten,      // once a change of the group
  kTransactionEnding,  // every change is written; its commit comes next
  kTransactionEnded,   // on disk
  kGroupCommitted,     // nobody knows yet
  kGroupPublished,     // watchers were woken, commands pushed; no call is answered
  kGroupAnswered,
  // A checkpoint that arrives, in this order. Its row is a group of its own.
  kUploadCreated,     // the file aside, empty
  kUploadWritten,     // once a chunk
  kUploadSynced,      // the file aside, whole
  kUploadRenamed,     // the directory is not synced
  kDirectorySynced,   // the file is in place, no row names it
  kUploadRegistered,  // its row is committed; the call is not answered
  // A checkpoint that nothing refers to any more: its row is gone.
  kFileDoomed,
  kFileDeleted,
  // The end after a signal, in this order.
  kDrained,  // no call is served any more; operations may be queued
  kOwnerStopped,
};

// Every point, with the name by which a test program is told of it.
struct NamedFaultPoint {
  FaultPoint point;
  const char* name;
};
inline constexpr std::array kFaultPoints = {
    NamedFaultPoint{FaultPoint::kMigrationBegun, "migration_begun"},
    NamedFaultPoint{FaultPoint::kMigrationApplied, "migration_applied"},
    NamedFaultPoint{FaultPoint::kMigrationCommitted, "migration_committed"},
    NamedFaultPoint{FaultPoint::kStoreOpened, "store_opened"},
    NamedFaultPoint{FaultPoint::kFilesOpened, "files_opened"},
    NamedFaultPoint{FaultPoint::kStateLoaded, "state_loaded"},
    NamedFaultPoint{FaultPoint::kFilesSwept, "files_swept"},
    NamedFaultPoint{FaultPoint::kListening, "listening"},
    NamedFaultPoint{FaultPoint::kGroupApplied, "group_applied"},
    NamedFaultPoint{FaultPoint::kTransactionBegun, "transaction_begun"},
    NamedFaultPoint{FaultPoint::kChangeWritten, "change_written"},
    NamedFaultPoint{FaultPoint::kTransactionEnding, "transaction_ending"},
    NamedFaultPoint{FaultPoint::kTransactionEnded, "transaction_ended"},
    NamedFaultPoint{FaultPoint::kGroupCommitted, "group_committed"},
    NamedFaultPoint{FaultPoint::kGroupPublished, "group_published"},
    NamedFaultPoint{FaultPoint::kGroupAnswered, "group_answered"},
    NamedFaultPoint{FaultPoint::kUploadCreated, "upload_created"},
    NamedFaultPoint{FaultPoint::kUploadWritten, "upload_written"},
    NamedFaultPoint{FaultPoint::kUploadSynced, "upload_synced"},
    NamedFaultPoint{FaultPoint::kUploadRenamed, "upload_renamed"},
    NamedFaultPoint{FaultPoint::kDirectorySynced, "directory_synced"},
    NamedFaultPoint{FaultPoint::kUploadRegistered, "upload_registered"},
    NamedFaultPoint{FaultPoint::kFileDoomed, "file_doomed"},
    NamedFaultPoint{FaultPoint::kFileDeleted, "file_deleted"},
    NamedFaultPoint{FaultPoint::kDrained, "drained"},
    NamedFaultPoint{FaultPoint::kOwnerStopped, "owner_stopped"},
};

// Copied into everything that passes points; copies call the same function.
class FaultHook {
 public:
  FaultHook() = default;
  explicit FaultHook(std::function<void(FaultPoint)> passed) : passed_(std::move(passed)) {}

  void Pass(FaultPoint point) const {
    if (passed_) passed_(point);
  }

 private:
  std::function<void(FaultPoint)> passed_;
};

}  // namespace athanor
