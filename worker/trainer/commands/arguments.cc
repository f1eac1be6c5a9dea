#include "worker/trainer/commands/arguments.h"

#include <algorithm>

namespace athanor {

Arguments::Arguments(const std::vector<std::string>& words, const std::vector<std::string>& known) {
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::string& word = words[i];
    const std::string name = word.starts_with("--") ? word.substr(2) : "";
    if (std::ranges::find(known, name) == known.end()) throw UsageError("unknown argument " + word);
    if (i + 1 == words.size()) throw UsageError(word + " needs a value");
    if (!given_.emplace(name, words[i + 1]).second) throw UsageError(word + " is given twice");
  }
}

const std::string& Arguments::Required(const std::string& name) const {
  const auto found = given_.find(name);
  if (found == given_.end()) throw UsageError("--" + name + " is missing");
  return found->second;
}

std::string Arguments::Or(const std::string& name, const std::string& otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : found->second;
}

}  // namespace athanor
