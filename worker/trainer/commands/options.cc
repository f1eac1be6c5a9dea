#include <cstdio>
#include <string>

#include "base/trainer_options.h"
#include "worker/trainer/commands/arguments.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/options_page.h"

namespace athanor {

int RunOptions(const std::vector<std::string>& words) {
  const Arguments none(words, {});
  std::fputs(OptionsPage().c_str(), stdout);
  return 0;
}

}  // namespace athanor
