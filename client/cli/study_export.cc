// study export
#include <fmt/format.h>

#include <fstream>

#include "base/status.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  std::string file;
  bool curves = false;
};

absl::StatusOr<Json> CurveOf(StudyClient& client, const std::string& study, int64_t number) {
  v1::GetCurveRequest request;
  request.set_study(study);
  request.set_number(number);
  request.set_max_points(100'000);
  ATHANOR_ASSIGN_OR_RETURN(const v1::Curve curve, client.GetCurve(request));
  return ToJson(curve);
}

// Without curves: a list of trials. With them: for CSV, which has one kind of record, a list of measurements; else the
// trials, each with its own.
absl::StatusOr<Answer> Collect(Session& session, const Options& options, OutputFormat format) {
  Answer answer{.data = Json::array(), .text = "", .ids = {}};
  v1::ListTrialsRequest request;
  request.set_study(options.study);
  request.set_page_size(1000);
  ATHANOR_RETURN_IF_ERROR(session.client().ForEachTrial(request, [&](const v1::Trial& trial) -> absl::Status {
    answer.ids.push_back(std::to_string(trial.number()));
    Json json = ToJson(trial);
    if (options.curves) {
      ATHANOR_ASSIGN_OR_RETURN(Json curve, CurveOf(session.client(), options.study, trial.number()));
      if (format == OutputFormat::kCsv) {
        answer.data.insert(answer.data.end(), curve.begin(), curve.end());
        return absl::OkStatus();
      }
      json["measurements"] = std::move(curve);
    }
    answer.data.push_back(std::move(json));
    return absl::OkStatus();
  }));
  return answer;
}

absl::Status Export(Session& session, const Options& options) {
  // A table cannot hold everything that was asked for, so it stands for CSV here.
  const OutputFormat format = session.format() == OutputFormat::kTable ? OutputFormat::kCsv : session.format();
  ATHANOR_ASSIGN_OR_RETURN(const Answer answer, Collect(session, options, format));
  if (options.file.empty()) {
    if (Print(answer, format, session.quiet(), session.surroundings().out)) return absl::OkStatus();
    return absl::DataLossError("the export could not be written to the standard output");
  }
  std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
  if (!file.is_open()) return absl::PermissionDeniedError(fmt::format("{} cannot be opened for writing", options.file));
  if (!Print(answer, format, session.quiet(), file)) {
    return absl::DataLossError(fmt::format("{} could not be written to its end", options.file));
  }
  return absl::OkStatus();
}

}  // namespace

void AddStudyExport(CLI::App* parent, Session& session) {
  auto [verb, options] =
      session.AddVerb<Options>(parent, "export", "Write all trials of a study as CSV (default), JSON or YAML",
                               "athanor study export fashion-lenet --curves --output json --file fashion.json", Export);
  AddStudyArgument(verb, options.study);
  verb->add_option("--file,-f", options.file, "write there instead of to the standard output")->option_text("PATH");
  verb->add_flag("--curves", options.curves,
                 "all measurements, too; in CSV: instead of the trials, a row a metric and step");
}

}  // namespace athanor::cli
