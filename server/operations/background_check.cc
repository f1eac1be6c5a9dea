#include "server/operations/background_check.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/operations/check_file.h"

namespace athanor {
namespace {

constexpr int kLoggedFindings = 100;

// Of the calling thread alone. Whoever serves calls comes first; a kernel that refuses leaves it as it is.
void TakeLowestPriority() {
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, 19);
  constexpr int kOfThread = 1, kIdleClass = 3 << 13;  // IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE: linux/ioprio.h
  syscall(SYS_ioprio_set, kOfThread, thread, kIdleClass);
}

}  // namespace

BackgroundCheck::BackgroundCheck(std::string database, Need need,
                                 std::function<void(const absl::Status&)> refuse_writes)
    : database_(std::move(database)),
      need_(need),
      refuse_writes_(std::move(refuse_writes)),
      integrity_(need == Need::kWholeFile ? "checking" : "ok") {}

std::string BackgroundCheck::Integrity() const {
  const MutexLock lock(mutex_);
  return integrity_;
}

void BackgroundCheck::SetIntegrity(std::string integrity) {
  const MutexLock lock(mutex_);
  integrity_ = std::move(integrity);
}

void BackgroundCheck::Run(const std::stop_token& stop) {
  if (need_ == Need::kNone) return;
  TakeLowestPriority();
  spdlog::info("{} was not closed when it was last served: checking all of it", database_);
  const auto start = std::chrono::steady_clock::now();
  CheckFileOptions options;
  options.snapshot.path = database_;
  options.snapshot.served_by = SnapshotOwner::kThisProcess;
  options.snapshot.stop = stop;
  std::string first;
  int64_t findings = 0;
  bool refused = false;
  const auto found = [&](const Finding& finding) {
    if (first.empty()) first = finding.text;
    if (++findings <= kLoggedFindings) spdlog::error("{}", finding.text);
    if (finding.kind != FindingKind::kFile || std::exchange(refused, true)) return;
    refuse_writes_(absl::DataLossError(finding.text));
  };
  const auto summary = CheckFile(options, found);
  if (findings > 0) {
    SetIntegrity(findings == 1 ? first : absl::StrCat(first, " (and ", findings - 1, " more findings)"));
  } else if (!summary.ok()) {
    if (!stop.stop_requested())
      spdlog::error("the check of {} ended early: {}", database_, std::string(summary.status().message()));
    SetIntegrity(absl::StrCat("not checked: ", summary.status().message()));
  } else {
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    spdlog::info("{} is sound: {} trials, {} attempts, {} measurements, checked in {:.1f} s", database_,
                 summary->history.trials, summary->history.attempts, summary->history.measurements, seconds);
    SetIntegrity("ok");
  }
}

}  // namespace athanor
