// worker list, drain, enable
#include <fmt/format.h>

#include <map>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

std::string DevicesText(const v1::Worker& worker) {
  std::string text;
  for (const v1::Device& device : worker.devices()) {
    if (!text.empty()) text += ", ";
    text += device.name().empty() ? device.kind() : fmt::format("{} {}", device.kind(), device.name());
    if (device.memory_bytes() > 0) text += fmt::format(" {}", FormatBytes(device.memory_bytes()));
  }
  return text;
}

std::string LabelsText(const v1::Worker& worker) {
  std::string text;
  for (const auto& [name, value] : std::map<std::string, std::string>(worker.labels().begin(), worker.labels().end())) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  }
  return text;
}

absl::Status List(Session& session) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<v1::Worker> workers, session.client().ListWorkers());
  Answer answer{.data = Json::array(), .text = "", .ids = {}};
  Table table(
      {{"WORKER"}, {"STATE"}, {"BUSY", Align::kRight}, {"SEEN", Align::kRight}, {"DEVICES"}, {"LABELS"}, {"REASON"}});
  for (const v1::Worker& worker : workers) {
    answer.data.push_back(ToJson(worker));
    answer.ids.push_back(worker.name());
    table.AddRow({StyledLine(worker.name()), StyledLine(StateName(worker.state()), StateStyle(worker.state())),
                  StyledLine(fmt::format("{}/{}", worker.leased(), worker.slots())),
                  StyledLine(FormatAge(worker.last_seen_unix_ms(), session.now_unix_ms())),
                  StyledLine(DevicesText(worker)), StyledLine(LabelsText(worker)),
                  StyledLine(worker.reason(), Style::kDim)});
  }
  answer.text = table.empty() ? "no workers\n" : table.Text(session.look());
  return session.Answer(answer);
}

using Change = absl::StatusOr<v1::Worker> (StudyClient::*)(const std::string& name);

absl::Status ChangeWorker(Session& session, Change change, const std::string& name) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Worker worker, (session.client().*change)(name));
  return session.Answer(
      {ToJson(worker), fmt::format("worker {} is {}\n", worker.name(), StateName(worker.state())), {worker.name()}});
}

void AddChange(CLI::App* parent, Session& session, const std::string& name, const std::string& description,
               Change change) {
  auto [verb, worker] = session.AddVerb<std::string>(
      parent, name, description, fmt::format("athanor worker {} gpu7-0", name),
      [change](Session& run, const std::string& chosen) { return ChangeWorker(run, change, chosen); });
  verb->add_option("worker", worker, "its name, as worker list shows it")->required();
}

}  // namespace

void AddWorkerVerbs(CLI::App* parent, Session& session) {
  session.AddVerb(parent, "list", "List the workers", "athanor worker list", [&session] { return List(session); });
  AddChange(parent, session, "drain", "Give a worker no more trials; those it has checkpoint and go back to the queue",
            &StudyClient::DrainWorker);
  AddChange(parent, session, "enable", "Take back a drain or a quarantine", &StudyClient::EnableWorker);
}

}  // namespace athanor::cli
