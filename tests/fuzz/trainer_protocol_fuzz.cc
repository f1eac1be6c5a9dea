// What a trainer writes to fd 4: however the pipe cuts it, the lines are the same, and each is a message or an error.
#include <cstdlib>
#include <string>
#include <vector>

#include "worker/session/trainer_protocol.h"

namespace session = athanor::session;

namespace {

std::vector<std::string> Split(const std::string& input, size_t chunk, bool* ok) {
  session::LineSplitter splitter(512);
  std::vector<std::string> lines;
  *ok = true;
  for (size_t at = 0; at < input.size() && *ok; at += chunk) {
    *ok = splitter.Append(std::string_view(input).substr(at, chunk), &lines).ok();
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  bool whole_ok = false, cut_ok = false;
  const std::vector<std::string> whole = Split(input, size + 1, &whole_ok);
  const std::vector<std::string> cut = Split(input, 7, &cut_ok);
  if (whole != cut || whole_ok != cut_ok) std::abort();
  for (const std::string& line : whole) {
    const auto message = session::ParseTrainerMessage(line);
    if (message.ok()) {
      (void)message->EndsTrial();
    } else if (message.status().message().size() > 1000) {
      std::abort();
    }
  }
  return 0;
}
