#include "server/checkpoint_quota.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "base/yaml_scalar.h"

namespace athanor {

int64_t CheckpointQuota::BytesOn(int64_t disk_bytes) const {
  if (percent == 0) return bytes;
  return std::max<int64_t>(disk_bytes / 100 * percent, 1);  // 0 would be no limit
}

std::optional<CheckpointQuota> ParseCheckpointQuota(std::string_view text) {
  if (text.ends_with('%')) {
    int64_t percent = 0;
    const std::string_view digits = text.substr(0, text.size() - 1);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    if (!absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &percent)) return std::nullopt;
    if (percent < 1 || percent > 100) return std::nullopt;
    return CheckpointQuota{.percent = percent, .bytes = 0};
  }
  const std::optional<int64_t> bytes = ParseByteCount(text);
  if (!bytes.has_value()) return std::nullopt;
  return CheckpointQuota{.percent = 0, .bytes = *bytes};
}

}  // namespace athanor
