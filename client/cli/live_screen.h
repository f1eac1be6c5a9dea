// The terminal while `study watch` redraws it, and the signals that concern it.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace athanor::cli {

// A block of lines that is drawn over itself. The cursor is hidden while it lives and the last frame stays when it
// ends.
class LiveScreen {
 public:
  explicit LiveScreen(std::ostream& out);
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Each of `lines` must fit the terminal's width and all of them, with one to spare, its height.
  void Show(const std::vector<std::string>& lines);
  // Forgets where the last frame was and clears the screen: after a resize its lines may have been wrapped.
  void Clear();

 private:
  std::ostream& out_;
  size_t shown_ = 0;  // lines of the last frame, above the cursor
};

// Turns signals into bytes on a pipe while it lives, so that they can be waited for beside other things, whichever
// thread the kernel gives them to. At most one at a time.
class SignalPipe {
 public:
  explicit SignalPipe(std::vector<int> signals);
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  // To poll() for reading. Does not block.
  int fd() const;
  // The next signal that came, 0 if none did.
  int Take();
  // Makes fd() readable and Take() return 0, from any thread.
  void Wake();

 private:
  struct Saved;
  std::vector<Saved> saved_;
};

}  // namespace athanor::cli
