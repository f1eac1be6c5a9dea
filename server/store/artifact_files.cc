#include "server/store/artifact_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/files.h"

namespace athanor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxNameBytes = 100;

bool IsName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && name.front() != '.' && std::ranges::all_of(name, allowed);
}

std::string FileNameOf(const std::string& name, int64_t step) { return absl::StrCat(step, "-", name); }

// The artifact in the file of this name, its size left out; nothing if it is none of ours.
std::optional<Artifact> ArtifactIn(const std::string& file_name) {
  const size_t dash = file_name.find('-');
  Artifact artifact;
  if (dash == std::string::npos || !absl::SimpleAtoi(file_name.substr(0, dash), &artifact.step)) return std::nullopt;
  artifact.name = file_name.substr(dash + 1);
  if (!IsName(artifact.name) || FileNameOf(artifact.name, artifact.step) != file_name) return std::nullopt;
  return artifact;
}

absl::Status WriteAll(int descriptor, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t wrote = write(descriptor, content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return IoError(path, "write", errno);
    content.remove_prefix(static_cast<size_t>(wrote));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckArtifact(const Artifact& artifact) {
  if (!IsName(artifact.name)) {
    return absl::InvalidArgumentError(absl::StrCat("artifact.name: \"", absl::CHexEscape(artifact.name.substr(0, 120)),
                                                   "\"; want 1 to ", kMaxNameBytes,
                                                   " of a-z0-9._- without a dot in front"));
  }
  if (artifact.step < 0) {
    return absl::InvalidArgumentError(absl::StrCat("artifact.step: ", artifact.step, "; want at least 0"));
  }
  if (artifact.size_bytes < 0 || artifact.size_bytes > kMaxArtifactBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("artifact.size_bytes: ", artifact.size_bytes, "; want 0 to ", kMaxArtifactBytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ArtifactFiles>> ArtifactFiles::Open(const std::string& directory,
                                                                   const ArtifactFilesOptions& options) {
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(directory));
  return std::unique_ptr<ArtifactFiles>(new ArtifactFiles(directory, options));
}

std::string ArtifactFiles::DirectoryOfStudy(StudyId study) const { return absl::StrCat(directory_, "/", study); }

std::string ArtifactFiles::DirectoryOfTrial(const TrialKey& trial) const {
  return absl::StrCat(DirectoryOfStudy(trial.study), "/", trial.trial);
}

bool ArtifactFiles::Deleted(StudyId study) const {
  const MutexLock lock(mutex_);
  return trials_.IsDeleted(study);
}

absl::Status ArtifactFiles::Sweep(const std::function<TrialStanding(const TrialKey&)>& standing) {
  const MutexLock writing(writing_);
  struct Found {
    int64_t written = 0;
    TrialKey trial;
    int64_t bytes = 0;
    auto operator<=>(const Found&) const = default;
  };
  std::vector<Found> found;
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> studies, ListDirectory(directory_));
  for (const std::string& study : studies) {
    TrialKey key;
    if (!absl::SimpleAtoi(study, &key.study)) continue;
    ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> trials, ListDirectory(DirectoryOfStudy(key.study)));
    for (const std::string& trial : trials) {
      if (!absl::SimpleAtoi(trial, &key.trial)) continue;
      std::error_code ignored;
      if (standing(key) == TrialStanding::kGone) {
        fs::remove_all(DirectoryOfTrial(key), ignored);
        continue;
      }
      ATHANOR_ASSIGN_OR_RETURN(const auto swept, SweepTrial(key));
      found.push_back({.written = swept.second, .trial = key, .bytes = swept.first});
    }
    std::error_code ignored;
    fs::remove(DirectoryOfStudy(key.study), ignored);  // unless something is in it
  }
  std::ranges::sort(found);
  for (const Found& one : found) Enter(one.trial, one.bytes, standing(one.trial));
  MakeRoom(std::nullopt);
  return absl::OkStatus();
}

absl::StatusOr<std::pair<int64_t, int64_t>> ArtifactFiles::SweepTrial(const TrialKey& trial) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(DirectoryOfTrial(trial)));
  std::pair<int64_t, int64_t> bytes_and_time{0, 0};
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(DirectoryOfTrial(trial), "/", name);
    struct stat file {};
    if (name.ends_with(kAsideSuffix) && !ArtifactIn(name).has_value()) {
      unlink(path.c_str());
    } else if (ArtifactIn(name).has_value() && stat(path.c_str(), &file) == 0) {
      bytes_and_time.first += file.st_size;
      bytes_and_time.second = std::max(bytes_and_time.second, static_cast<int64_t>(file.st_mtime));
    }
  }
  return bytes_and_time;
}

void ArtifactFiles::Enter(const TrialKey& trial, int64_t bytes, TrialStanding standing) {
  const MutexLock lock(mutex_);
  int64_t& held = trials_.Use(trial, standing);
  bytes_ += bytes - std::exchange(held, bytes);
}

absl::Status ArtifactFiles::Put(const TrialKey& trial, const Artifact& artifact, std::string_view content,
                                TrialStanding standing, Same same) {
  Artifact checked = artifact;
  checked.size_bytes = static_cast<int64_t>(content.size());
  ATHANOR_RETURN_IF_ERROR(CheckArtifact(checked));
  const MutexLock writing(writing_);
  if (Deleted(trial.study)) return absl::NotFoundError(absl::StrCat("study ", trial.study, " was deleted"));
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(DirectoryOfStudy(trial.study)));
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(DirectoryOfTrial(trial)));
  const std::string path = absl::StrCat(DirectoryOfTrial(trial), "/", FileNameOf(artifact.name, artifact.step));
  if (same == Same::kKeep && access(path.c_str(), F_OK) == 0) return absl::OkStatus();
  ATHANOR_RETURN_IF_ERROR(Write(trial, path, content));
  ATHANOR_ASSIGN_OR_RETURN(const int64_t bytes, Trim(trial));
  Enter(trial, bytes, standing);
  MakeRoom(trial);
  return absl::OkStatus();
}

absl::Status ArtifactFiles::Write(const TrialKey& trial, const std::string& path, std::string_view content) {
  const std::string aside = absl::StrCat(DirectoryOfTrial(trial), "/", next_upload_++, kAsideSuffix);
  absl::Status status;
  {
    const OpenFile file(aside, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.get() < 0) return IoError(aside, "create", errno);
    status = WriteAll(file.get(), aside, content);
  }
  if (status.ok() && std::rename(aside.c_str(), path.c_str()) != 0) status = IoError(aside, "rename", errno);
  if (!status.ok()) unlink(aside.c_str());
  return status;
}

absl::StatusOr<std::vector<Artifact>> ArtifactFiles::List(const TrialKey& trial) const {
  const std::string directory = DirectoryOfTrial(trial);
  std::error_code error;
  if (!fs::is_directory(directory, error)) return std::vector<Artifact>();
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory));
  std::vector<Artifact> artifacts;
  for (const std::string& name : names) {
    std::optional<Artifact> artifact = ArtifactIn(name);
    struct stat file {};
    if (!artifact.has_value() || stat(absl::StrCat(directory, "/", name).c_str(), &file) != 0) continue;
    artifact->size_bytes = file.st_size;
    artifacts.push_back(*std::move(artifact));
  }
  std::ranges::sort(artifacts, {}, [](const Artifact& one) { return std::tie(one.step, one.name); });
  return artifacts;
}

absl::StatusOr<int64_t> ArtifactFiles::Trim(const TrialKey& trial) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<Artifact> artifacts, List(trial));
  int64_t bytes = 0;
  for (const Artifact& artifact : artifacts) bytes += artifact.size_bytes;
  auto files = static_cast<int64_t>(artifacts.size());
  for (const Artifact& artifact : artifacts) {
    if (bytes <= options_.trial_bytes && files <= options_.trial_files) break;
    const std::string path = absl::StrCat(DirectoryOfTrial(trial), "/", FileNameOf(artifact.name, artifact.step));
    if (unlink(path.c_str()) != 0) continue;
    bytes -= artifact.size_bytes;
    --files;
  }
  return bytes;
}

void ArtifactFiles::MakeRoom(const std::optional<TrialKey>& spared) {
  while (bytes_.load() > options_.total_bytes) {
    const std::optional<TrialKey> trial = TakeNextToGo(spared);
    if (!trial.has_value()) return;
    std::error_code ignored;
    fs::remove_all(DirectoryOfTrial(*trial), ignored);
  }
}

std::optional<TrialKey> ArtifactFiles::TakeNextToGo(const std::optional<TrialKey>& spared) {
  const MutexLock lock(mutex_);
  const auto next = trials_.TakeNext(spared);
  if (!next.has_value()) return std::nullopt;
  bytes_ -= next->second;
  return next->first;
}

absl::StatusOr<std::pair<Artifact, std::string>> ArtifactFiles::Read(const TrialKey& trial, const std::string& name,
                                                                     std::optional<int64_t> step) const {
  Artifact artifact{.name = name, .step = step.value_or(0)};
  ATHANOR_RETURN_IF_ERROR(CheckArtifact(artifact));
  if (!step.has_value()) {
    ATHANOR_ASSIGN_OR_RETURN(const std::vector<Artifact> artifacts, List(trial));
    const auto newest = std::find_if(artifacts.rbegin(), artifacts.rend(),
                                     [&](const Artifact& one) { return one.name == artifact.name; });
    if (newest == artifacts.rend()) {
      return absl::NotFoundError(absl::StrCat("trial ", trial.trial, " has no artifact \"", name, "\""));
    }
    artifact.step = newest->step;
  }
  const std::string path = absl::StrCat(DirectoryOfTrial(trial), "/", FileNameOf(name, artifact.step));
  const OpenFile file(path, O_RDONLY);
  if (file.get() < 0 && errno == ENOENT) {
    return absl::NotFoundError(
        absl::StrCat("trial ", trial.trial, " has no artifact \"", name, "\" of step ", artifact.step));
  }
  if (file.get() < 0) return IoError(path, "open", errno);
  std::string content(kMaxArtifactBytes, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return IoError(path, "read", errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  content.resize(size);
  content.shrink_to_fit();
  artifact.size_bytes = static_cast<int64_t>(size);
  return std::pair(std::move(artifact), std::move(content));
}

void ArtifactFiles::DeleteStudy(StudyId study) {
  const MutexLock writing(writing_);
  {
    const MutexLock lock(mutex_);
    for (const int64_t bytes : trials_.TakeStudy(study)) bytes_ -= bytes;
  }
  std::error_code ignored;
  fs::remove_all(DirectoryOfStudy(study), ignored);
}

void ArtifactFiles::SetEnded(const TrialKey& trial) {
  const MutexLock lock(mutex_);
  trials_.SetEnded(trial);
}

}  // namespace athanor
