// Pages of a list: their size, and tokens that only continue the list they came from.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/rpc/fingerprint.h"

namespace athanor {

// 0 asks for 100; more than 1000 gives 1000. INVALID_ARGUMENT below 0.
absl::StatusOr<int64_t> PageSize(int32_t asked);

// Opaque to clients: where the next page starts, bound to `fingerprint`, which says what is listed and how.
std::string MakePageToken(int64_t position, const std::string& fingerprint);
std::string MakePageToken(const std::string& position, const std::string& fingerprint);
// INVALID_ARGUMENT if it is not a token, or one of another list.
absl::StatusOr<int64_t> ReadPosition(const std::string& token, const std::string& fingerprint);
absl::StatusOr<std::string> ReadTextPosition(const std::string& token, const std::string& fingerprint);

// What a request lists, whatever the page.
template <typename Request>
std::string ListFingerprint(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  return Fingerprint(request);
}

}  // namespace athanor
