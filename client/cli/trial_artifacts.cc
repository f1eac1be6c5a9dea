// trial artifacts, trial artifact
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct ListOptions {
  std::string study;
  int64_t number = 0;
};

absl::Status List(Session& session, const ListOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<v1::Artifact> artifacts,
                           session.client().ListArtifacts(options.study, options.number));
  Answer answer{.data = Json::array(), .text = "", .ids = {}};
  Table table({{"NAME"}, {"STEP", Align::kRight}, {"SIZE", Align::kRight}});
  for (const v1::Artifact& artifact : artifacts) {
    answer.data.push_back(ToJson(artifact));
    if (std::ranges::find(answer.ids, artifact.name()) == answer.ids.end()) answer.ids.push_back(artifact.name());
    table.AddRow({StyledLine(artifact.name()), StyledLine(std::to_string(artifact.step())),
                  StyledLine(FormatBytes(artifact.size_bytes()))});
  }
  answer.text = table.empty() ? "no artifacts\n" : table.Text(session.look());
  return session.Answer(answer);
}

struct GetOptions {
  std::string study;
  int64_t number = 0;
  std::string name;
  std::optional<int64_t> step;
  std::string out;  // "-": standard output
};

// Where nobody said so: a terminal is no place for a PNG.
absl::StatusOr<std::string> TargetOf(const Session& session, const GetOptions& options, const std::string& name) {
  if (!options.out.empty()) return options.out;
  if (!session.surroundings().out_is_terminal) return std::string("-");
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) {
    return absl::AlreadyExistsError(fmt::format("{} is there already; --out {} overwrites it", name, name));
  }
  return name;
}

absl::Status WriteTo(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  return file ? absl::OkStatus() : absl::DataLossError(fmt::format("{}: cannot write", path));
}

absl::Status Get(Session& session, const GetOptions& options) {
  v1::ReadArtifactRequest request;
  request.set_study(options.study);
  request.set_number(options.number);
  request.set_name(options.name);
  if (options.step) request.set_step(*options.step);
  ATHANOR_ASSIGN_OR_RETURN(const auto read, session.client().ReadArtifact(request));
  const auto& [artifact, content] = read;
  ATHANOR_ASSIGN_OR_RETURN(const std::string target, TargetOf(session, options, options.name));
  if (target == "-") {
    std::ostream& out = session.surroundings().out;
    out << content << std::flush;
    return out.good() ? absl::OkStatus() : absl::DataLossError("the artifact could not be written");
  }
  ATHANOR_RETURN_IF_ERROR(WriteTo(target, content));
  Answer answer{.data = ToJson(artifact), .text = "", .ids = {target}};
  answer.data["path"] = target;
  answer.text = fmt::format("wrote {} ({} of step {}, {})\n", target, artifact.name(), artifact.step(),
                            FormatBytes(artifact.size_bytes()));
  return session.Answer(answer);
}

}  // namespace

void AddTrialArtifacts(CLI::App* parent, Session& session) {
  auto [list, listed] = session.AddVerb<ListOptions>(
      parent, "artifacts", "List the files that a trial's trainers left about its training: tables, curves, images",
      "athanor trial artifacts fashion-lenet 7", List);
  AddTrialArguments(list, listed.study, listed.number);

  auto [get, options] =
      session.AddVerb<GetOptions>(parent, "artifact", "Fetch one of the files that a trial's trainers left",
                                  "athanor trial artifact fashion-lenet 7 confusion.csv --out confusion.csv", Get);
  AddTrialArguments(get, options.study, options.number);
  get->add_option("name", options.name, "as `trial artifacts` lists it")->required();
  get->add_option("--step", options.step, "the one of this step; default: the newest of the name")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()))
      ->option_text("N");
  get->add_option("--out", options.out,
                  "where to; - is the standard output. Default: a new file of its name in the current folder, or the "
                  "standard output if that is no terminal")
      ->option_text("FILE");
}

}  // namespace athanor::cli
