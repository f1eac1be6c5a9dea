// Recognising a request that came before: by what it asks, not by its id.
#pragma once

#include <string>

#include "google/protobuf/message_lite.h"
#include "server/coordinator/state.h"

namespace athanor {

// SHA-256 of the deterministic serialisation, as 64 hex digits: equal messages, equal fingerprints.
std::string Fingerprint(const google::protobuf::MessageLite& message);

// The key of a client call with a `request_id`.
template <typename Request>
RequestKey KeyOf(const char* method, Request request) {
  RequestKey key;
  key.id = request.request_id();
  key.method = method;
  request.clear_request_id();
  key.fingerprint = Fingerprint(request);
  return key;
}

}  // namespace athanor
