// A small file about a trial's training, handed over as an artifact.
#pragma once

#include <cstddef>
#include <string>

namespace athanor::training {

inline constexpr size_t kMaxReportBytes = size_t{4} << 20;

struct ReportFile {
  std::string name;      // [a-z0-9._-]+, with its extension
  std::string contents;  // CSV, JSON or an image, at most kMaxReportBytes
};

}  // namespace athanor::training
