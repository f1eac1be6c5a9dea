// server status
#include <fmt/format.h>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

std::string CheckpointsText(const v1::ServerStatus& status) {
  const std::string used = FormatBytes(status.checkpoint_bytes());
  if (status.checkpoint_quota_bytes() == 0) return used + ", no quota";
  return fmt::format(
      "{} of {} ({:.0f}%)", used, FormatBytes(status.checkpoint_quota_bytes()),
      100.0 * static_cast<double>(status.checkpoint_bytes()) / static_cast<double>(status.checkpoint_quota_bytes()));
}

std::string StatusText(const v1::ServerStatus& status) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) { text += fmt::format("{:<12}{}\n", name, value); };
  add("version", fmt::format("{}, up {}", status.version(), FormatDuration(status.uptime_ms())));
  add("studies", fmt::format("{} active of {}", status.active_studies(), status.studies()));
  add("trials", fmt::format("{} running of {}", status.running_trials(), status.trials()));
  add("workers", fmt::format("{} online", status.workers_online()));
  add("database", fmt::format("{} ({}, schema {})", status.database(), FormatBytes(status.database_bytes()),
                              status.schema_version()));
  add("checkpoints", CheckpointsText(status));
  add("disk", fmt::format("{} free of {}, where the checkpoints are", FormatBytes(status.disk_free_bytes()),
                          FormatBytes(status.disk_total_bytes())));
  add("logs", FormatBytes(status.log_bytes()));
  add("artifacts", FormatBytes(status.artifact_bytes()));
  std::string commits = fmt::format("{} since start", status.commits());
  if (status.commits() > 0) {
    commits += fmt::format(", {:.1f} operations each; p50 {} ms, p99 {} ms",
                           static_cast<double>(status.operations()) / static_cast<double>(status.commits()),
                           FormatNumber(status.commit_p50_ms()), FormatNumber(status.commit_p99_ms()));
  }
  add("commits", commits);
  add("queue", fmt::format("{} operations", status.queued_operations()));
  if (!status.integrity().empty()) add("integrity", status.integrity());
  if (!status.write_error().empty()) add("not writing", status.write_error());
  return text;
}

absl::Status Show(Session& session) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::ServerStatus status, session.client().GetServerStatus());
  return session.Answer({ToJson(status), StatusText(status), {status.version()}});
}

}  // namespace

void AddServerVerbs(CLI::App* parent, Session& session) {
  session.AddVerb(parent, "status", "Show how the coordinator is doing",
                  "athanor server status --coordinator lab1:7077", [&session] { return Show(session); });
}

}  // namespace athanor::cli
