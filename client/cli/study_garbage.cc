// study gc
#include <fmt/format.h>

#include <string>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  bool dry_run = false;
};

// A row a checkpoint, and a line that sums up.
Answer GarbageAnswer(const v1::GarbageReport& report, bool dry_run, OutputFormat format, const Look& look) {
  Answer answer{.data = ToJson(report), .text = "", .ids = {}};
  // CSV has one kind of record: the checkpoints.
  if (format == OutputFormat::kCsv) answer.data = answer.data["deleted"];
  Table table({{"TRIAL", Align::kRight}, {"STEP", Align::kRight}, {"SIZE", Align::kRight}, {"REASON"}});
  for (const v1::GarbageCheckpoint& checkpoint : report.deleted()) {
    answer.ids.push_back(checkpoint.sha256());
    table.AddRow({StyledLine(std::to_string(checkpoint.trial_number())), StyledLine(std::to_string(checkpoint.step())),
                  StyledLine(FormatBytes(checkpoint.size_bytes())), StyledLine(checkpoint.reason(), Style::kDim)});
  }
  if (!table.empty()) answer.text = table.Text(look) + "\n";
  answer.text += fmt::format("{} {} checkpoint{}, {}; kept {}, {}\n", dry_run ? "would delete" : "deleted",
                             report.deleted_size(), report.deleted_size() == 1 ? "" : "s",
                             FormatBytes(report.deleted_bytes()), report.kept(), FormatBytes(report.kept_bytes()));
  return answer;
}

absl::Status Collect(Session& session, const Options& options) {
  const auto garbage = options.dry_run ? StudyClient::Garbage::kDryRun : StudyClient::Garbage::kDelete;
  ATHANOR_ASSIGN_OR_RETURN(const v1::GarbageReport report, session.client().CollectGarbage(options.study, garbage));
  return session.Answer(GarbageAnswer(report, options.dry_run, session.format(), session.look()));
}

}  // namespace

void AddStudyGarbage(CLI::App* parent, Session& session) {
  auto [verb, options] =
      session.AddVerb<Options>(parent, "gc", "Delete the checkpoints of a study that nothing needs any more",
                               "athanor study gc fashion-lenet --dry-run", Collect);
  AddStudyArgument(verb, options.study);
  verb->add_flag("--dry-run", options.dry_run, "only tell what would be deleted, and why");
}

}  // namespace athanor::cli
