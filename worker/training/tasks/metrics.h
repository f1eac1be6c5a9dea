// Measures by name.
#pragma once

#include <map>
#include <string>

namespace athanor::training {

using Metrics = std::map<std::string, double>;

}  // namespace athanor::training
