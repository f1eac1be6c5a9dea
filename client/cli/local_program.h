// Programs that a verb runs on this machine, and the files that it lends them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/live_screen.h"

namespace athanor::cli {

// A folder below $TMPDIR, or /tmp, for this user alone; it goes with what is in it when this does.
class TemporaryFolder {
 public:
  // UNAVAILABLE naming the place if it cannot be made.
  static absl::StatusOr<TemporaryFolder> Make();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The path of a program: `name` itself if there is a slash in it, else the one of this name in `beside` (a folder;
// may be empty), else the first in the folders of `search_path`, which colons separate. NOT_FOUND naming where it was
// looked for.
absl::StatusOr<std::string> FindProgram(const std::string& name, const std::string& beside,
                                        const std::string& search_path);

// Runs a program to its end, on this process's standard input, output and error and in its process group, and returns
// its exit status, as a shell would tell it: 128 and the number of a signal that ended it. What it prints on its
// standard output goes to the new file `output` instead, unless that is empty. Each of `signals` that comes meanwhile
// is passed on to it. NOT_FOUND if it cannot be started. Blocks.
absl::StatusOr<int> RunProgram(const std::vector<std::string>& command, SignalPipe& signals,
                               const std::string& output = "");

}  // namespace athanor::cli
