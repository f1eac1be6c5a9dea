#include "worker/trainer/channel.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "worker/trainer/messages.h"

namespace athanor {

std::optional<std::string> LineReader::Read() {
  for (;;) {
    const size_t end = buffer_.find('\n', searched_);
    if (end != std::string::npos) {
      if (end > kMaxLineBytes) throw ProtocolError("a line of more than 1 MiB");
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      searched_ = 0;
      return line;
    }
    searched_ = buffer_.size();
    if (buffer_.size() > kMaxLineBytes) throw ProtocolError("a line of more than 1 MiB");
    char piece[1 << 16];
    const ssize_t got = read(descriptor_, piece, sizeof(piece));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "cannot read messages");
    if (got == 0) return std::nullopt;
    buffer_.append(piece, static_cast<size_t>(got));
  }
}

bool LineWriter::Write(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  const MutexLock lock(mutex_);
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t wrote = write(descriptor_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    rest.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

}  // namespace athanor
