#include "server/rpc/paging.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor {
namespace {

constexpr int32_t kDefaultPage = 100;
constexpr int32_t kLargestPage = 1000;
constexpr size_t kFingerprintDigits = 16;

}  // namespace

absl::StatusOr<int64_t> PageSize(int32_t asked) {
  if (asked < 0) return absl::InvalidArgumentError(absl::StrCat("page_size: ", asked, "; want 0 to ", kLargestPage));
  return asked == 0 ? kDefaultPage : std::min(asked, kLargestPage);
}

std::string MakePageToken(const std::string& position, const std::string& fingerprint) {
  return absl::WebSafeBase64Escape(absl::StrCat(fingerprint.substr(0, kFingerprintDigits), position));
}

std::string MakePageToken(int64_t position, const std::string& fingerprint) {
  return MakePageToken(absl::StrCat(position), fingerprint);
}

absl::StatusOr<std::string> ReadTextPosition(const std::string& token, const std::string& fingerprint) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text) || text.size() <= kFingerprintDigits) {
    return absl::InvalidArgumentError("page_token: is not one that this server gave out");
  }
  if (text.substr(0, kFingerprintDigits) != fingerprint.substr(0, kFingerprintDigits)) {
    return absl::InvalidArgumentError("page_token: belongs to a list with another filter or order");
  }
  return text.substr(kFingerprintDigits);
}

absl::StatusOr<int64_t> ReadPosition(const std::string& token, const std::string& fingerprint) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string text, ReadTextPosition(token, fingerprint));
  int64_t position = 0;
  if (!absl::SimpleAtoi(text, &position) || position < 0) {
    return absl::InvalidArgumentError("page_token: is not one that this server gave out");
  }
  return position;
}

}  // namespace athanor
