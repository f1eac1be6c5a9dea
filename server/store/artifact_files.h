// The artifacts of all trials: small files that trainers leave about a training, in one directory beside the database,
// under bounds. The folder is the index: nothing in the database refers to them. See TRAINER_PROTOCOL.md.
//
// Layout: DIR/<study id>/<trial number>/<step>-<name> is a complete artifact; DIR/<study id>/<trial number>/<n>.upload
// is one that is being written. The folder of a trial or of a study goes with all that is in it; nothing else in the
// directory is touched.
//
// Bounds: of one trial at most `trial_files` artifacts and `trial_bytes`, beyond which those of the lowest steps go,
// then by name; of all trials `total_bytes`, beyond which all artifacts of a trial go, in the order of trial_shelf.h.
//
// Durability: a reader sees a whole artifact or none, but nothing is synced: a power cut may take the newest, or cut
// them.
//
// Threads: thread-safe. SetEnded and bytes do no I/O; everything else blocks on the disk. One Put runs at a time.
//
// Errors: INVALID_ARGUMENT: a name, step or size that no artifact has. NOT_FOUND: no such artifact, or the study was
// deleted. RESOURCE_EXHAUSTED: the disk is full. UNAVAILABLE: any other I/O error, naming the path.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/store/trial_key.h"
#include "server/store/trial_shelf.h"

namespace athanor {

// An artifact of a trial, by name and step: both together are its key.
struct Artifact {
  std::string name;
  int64_t step = 0;  // of the study's resource; >= 0
  int64_t size_bytes = 0;
  bool operator==(const Artifact&) const = default;
};

inline constexpr int64_t kMaxArtifactBytes = int64_t{4} << 20;

// INVALID_ARGUMENT unless the name is 1 to 100 of a-z0-9._- without a dot in front, the step at least 0 and the size 0
// to kMaxArtifactBytes.
absl::Status CheckArtifact(const Artifact& artifact);

struct ArtifactFilesOptions {
  int64_t trial_bytes = int64_t{16} << 20;
  int64_t trial_files = 1000;
  int64_t total_bytes = int64_t{4} << 30;
};

// The directory of the artifacts that a coordinator on this database keeps.
inline std::string ArtifactDirectoryOf(const std::string& database) { return database + ".artifacts"; }

class ArtifactFiles {
 public:
  // Creates the directory (not its parents) if it is missing.
  static absl::StatusOr<std::unique_ptr<ArtifactFiles>> Open(const std::string& directory,
                                                             const ArtifactFilesOptions& options);

  // At start, before the first Put: takes in what earlier runs left, deletes what they did not finish, the artifacts of
  // trials that are `standing` kGone, and others where all are too large. O(artifacts), one look at the file system
  // each.
  absl::Status Sweep(const std::function<TrialStanding(const TrialKey&)>& standing);

  // What becomes of an artifact of the same name and step that is there already.
  enum class Same {
    kReplace,
    kKeep,  // and the new one is dropped: OK, as if it had come first and been replaced
  };
  // Stores `content` and deletes others as the bounds want it: it may be the first to go itself. `standing`: of the
  // trial, kUnfinished or kEnded. `artifact.size_bytes` is not looked at.
  absl::Status Put(const TrialKey& trial, const Artifact& artifact, std::string_view content, TrialStanding standing,
                   Same same);
  // By step, then by name; empty for a trial without any.
  absl::StatusOr<std::vector<Artifact>> List(const TrialKey& trial) const;
  // With its content; of the highest step of this name if none is given.
  absl::StatusOr<std::pair<Artifact, std::string>> Read(const TrialKey& trial, const std::string& name,
                                                        std::optional<int64_t> step) const;
  void DeleteStudy(StudyId study);

  // The trial has ended: its artifacts are among the first to go, until it gets one as kUnfinished.
  void SetEnded(const TrialKey& trial);

  // Of all artifacts.
  int64_t bytes() const { return bytes_.load(); }

 private:
  ArtifactFiles(std::string directory, const ArtifactFilesOptions& options)
      : directory_(std::move(directory)), options_(options) {}
  std::string DirectoryOfStudy(StudyId study) const;
  std::string DirectoryOfTrial(const TrialKey& trial) const;
  absl::Status Write(const TrialKey& trial, const std::string& path, std::string_view content);
  // Deletes what is beyond the bounds of one trial, and returns what the rest takes.
  absl::StatusOr<int64_t> Trim(const TrialKey& trial);
  // Deletes what earlier runs did not finish, and returns what the rest takes and when the newest of it was written.
  absl::StatusOr<std::pair<int64_t, int64_t>> SweepTrial(const TrialKey& trial);
  // Deletes the artifacts of others until all fit; those of `spared` stay.
  void MakeRoom(const std::optional<TrialKey>& spared);
  std::optional<TrialKey> TakeNextToGo(const std::optional<TrialKey>& spared);
  void Enter(const TrialKey& trial, int64_t bytes, TrialStanding standing);
  bool Deleted(StudyId study) const;

  const std::string directory_;
  const ArtifactFilesOptions options_;
  std::atomic<int64_t> bytes_ = 0;
  Mutex writing_;  // held over the I/O that changes the directory; taken before mutex_
  uint64_t next_upload_ ATHANOR_GUARDED_BY(writing_) = 1;
  mutable Mutex mutex_;                                    // never held over I/O
  TrialShelf<int64_t> trials_ ATHANOR_GUARDED_BY(mutex_);  // how many bytes each has
};

}  // namespace athanor
