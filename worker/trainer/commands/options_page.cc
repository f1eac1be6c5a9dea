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

// Appends a cell; a bar in it would end it.
void AddCell(std::string_view text, std::string& row) {
  row += ' ';
  for (const char c : text) {
    if (c == '|') row += '\\';
    row += c;
  }
  row += " |";
}

void AddCode(std::string_view text, std::string& row) {
  std::string code;
  if (!text.empty()) code.append(1, '`').append(text).append(1, '`');
  AddCell(code, row);
}

std::string Row(const TrainerOption& option) {
  std::string row(1, '|');
  AddCode(option.name, row);
  AddCell(Accepts(option), row);
  AddCell(ToString(option.default_value), row);
  AddCell(option.help, row);
  AddCode(option.search, row);
  AddCell(option.source, row);
  return row + "\n";
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
