// The program `athanor`: gathers what the command line needs of its surroundings and runs it.
#include <langinfo.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/clock.h"
#include "client/cli/cli.h"

namespace {

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

athanor::cli::TerminalSize SizeOfTerminal() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

std::string ProgramFolder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
}

std::string UserName() {
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? std::to_string(geteuid()) : entry->pw_name;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  // A closed pipe shows as a failed write, with a message, not as a silent death.
  std::signal(SIGPIPE, SIG_IGN);
  const bool utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  const athanor::SystemClock clock;
  const athanor::cli::Surroundings surroundings{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .charset = utf8 ? athanor::cli::Charset::kUtf8 : athanor::cli::Charset::kAscii,
      .clock = clock,
      .user = UserName(),
      .variable = Variable,
      .terminal_size = SizeOfTerminal,
      .program_folder = ProgramFolder(),
  };
  return athanor::cli::Run(std::vector<std::string>(argv + 1, argv + argc), surroundings);
}
