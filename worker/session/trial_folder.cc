#include "worker/session/trial_folder.h"

#include <filesystem>
#include <system_error>

namespace athanor::session {

namespace fs = std::filesystem;

bool LiesIn(const std::string& folder, const std::string& path) {
  if (path.empty()) return false;
  const fs::path relative =
      fs::absolute(path).lexically_normal().lexically_relative(fs::absolute(folder).lexically_normal());
  return !relative.empty() && *relative.begin() != ".." && *relative.begin() != ".";
}

void RemoveIfIn(const std::string& folder, const std::string& path) {
  std::error_code ignored;
  if (LiesIn(folder, path)) fs::remove(path, ignored);
}

}  // namespace athanor::session
