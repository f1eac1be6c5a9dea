// The page of trainer options (worker/OPTIONS.md).
#pragma once

#include <string>

namespace athanor {

// Markdown: a table a group of the option table (base/trainer_options.h), with type and range, default, what is
// sensible to search, and the source.
std::string OptionsPage();

}  // namespace athanor
