#include "client/cli/live_screen.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace athanor::cli {
namespace {

// A signal handler can reach nothing but statics.
int pipe_ends[2] = {-1, -1};

void OnSignal(int signal) {
  const int saved_errno = errno;
  const unsigned char byte = static_cast<unsigned char>(signal);
  // A full pipe means that plenty is waiting to be read already.
  [[maybe_unused]] const ssize_t written = write(pipe_ends[1], &byte, 1);
  errno = saved_errno;
}

}  // namespace

LiveScreen::LiveScreen(std::ostream& out) : out_(out) { out_ << "\x1b[?25l" << std::flush; }

LiveScreen::~LiveScreen() { out_ << "\x1b[?25h" << std::flush; }

void LiveScreen::Show(const std::vector<std::string>& lines) {
  std::string frame;
  if (shown_ > 0) frame += "\x1b[" + std::to_string(shown_) + "A";
  frame += "\r";
  for (const std::string& line : lines) frame += line + "\x1b[K\n";
  frame += "\x1b[J";
  out_ << frame << std::flush;  // in one piece, so that no half-drawn frame is seen
  shown_ = lines.size();
}

void LiveScreen::Clear() {
  out_ << "\x1b[H\x1b[2J" << std::flush;
  shown_ = 0;
}

struct SignalPipe::Saved {
  int signal;
  struct sigaction action;
};

SignalPipe::SignalPipe(std::vector<int> signals) {
  if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) return;  // signals keep their usual effect
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (const int signal : signals) {
    Saved saved{signal, {}};
    if (sigaction(signal, &action, &saved.action) == 0) saved_.push_back(saved);
  }
}

SignalPipe::~SignalPipe() {
  for (const Saved& saved : saved_) sigaction(saved.signal, &saved.action, nullptr);
  for (int& end : pipe_ends) {
    if (end >= 0) close(end);
    end = -1;
  }
}

int SignalPipe::fd() const { return pipe_ends[0]; }

int SignalPipe::Take() {
  unsigned char byte = 0;
  while (read(pipe_ends[0], &byte, 1) == 1) {
    if (byte != 0) return byte;
  }
  return 0;
}

void SignalPipe::Wake() { OnSignal(0); }

}  // namespace athanor::cli
