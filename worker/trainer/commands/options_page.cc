#include "worker/trainer/commands/options_page.h"

#include <string_view>

#include "base/trainer_options.h"

namespace athanor {
namespace {

constexpr char kHead[] =
    "# The options of the built-in trainer\n"
    "\n"
    "Each can be fixed under `trainer:` of a study or searched under `parameters:`. *Search* is what is sensible to "
    "search, MIN..MAX with\n"
    "`scale: log` where it says log; an option without it is better fixed. A study with an unknown name or a value out "
    "of range is refused\n"
    "when it is submitted; a combination that cannot work makes its trial INFEASIBLE. `athanor-trainer options` prints "
    "this page.\n";

// A bar would end the cell.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? std::string("\\|") : std::string(1, c);
  return cell;
}

std::string Row(const TrainerOption& option) {
  std::string given = ToString(option.default_value);
  if (given.empty()) given = "\"\"";
  const std::string search = option.search.empty() ? "" : "`" + Cell(option.search) + "`";
  return "| `" + std::string(option.name) + "` | " + Cell(Accepts(option)) + " | " + given + " | " + Cell(option.help) +
         " | " + search + " | " + Cell(option.source) + " |\n";
}

}  // namespace

std::string OptionsPage() {
  std::string page = kHead;
  for (const TrainerOptionGroup& group : TrainerOptionGroups()) {
    page += "\n## " + std::string(group.title) +
            "\n| option | takes | default | what | search | source |\n|---|---|---|---|---|---|\n";
    for (const TrainerOption& option : group.options) page += Row(option);
  }
  return page;
}

}  // namespace athanor
