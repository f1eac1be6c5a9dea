// The subcommands of athanor-server: check, backup, restore.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "server/operations/commands.h"

namespace athanor {

// Adds them to `app`, with their flags and help. Once it has parsed, `operation` is the one asked for, if any, complete
// with its defaults. `operation` outlives the parsing.
void AddOperations(CLI::App& app, std::optional<Operation>& operation);

}  // namespace athanor
