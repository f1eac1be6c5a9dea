#include "tests/integration/crash/faulty_server.h"

#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace athanor {

Folder::Folder() {
  std::string pattern = std::filesystem::temp_directory_path() / "athanor-crash-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::CopyFrom(const Folder& other) const {
  for (const auto& entry : std::filesystem::directory_iterator(other.path())) {
    if (!entry.path().filename().string().starts_with("athanor.db")) continue;
    std::filesystem::copy(entry.path(), path_ / entry.path().filename(), std::filesystem::copy_options::recursive);
  }
}

void Folder::Arm() const { std::ofstream(armed()) << "armed"; }

void Folder::Disarm() const { std::filesystem::remove(armed()); }

std::map<std::string, int> Folder::TakeTrace() const {
  std::map<std::string, int> passings;
  std::ifstream trace_file(trace());
  for (std::string name; std::getline(trace_file, name);) ++passings[name];
  std::filesystem::resize_file(trace(), 0);  // a server keeps it open
  return passings;
}

FaultyServer::FaultyServer(const Folder& folder, const Death& death) : folder_(folder) {
  const auto output = folder.path() / "server.out";
  const std::string address = "unix:" + (folder.path() / "socket").string();
  std::filesystem::remove(output);
  ProcessOptions options;
  options.command = {
      ATHANOR_FAULTY_SERVER_PROGRAM, "--armed-by", folder.armed(), "--trace", folder.trace(), "--tick", "3600000"};
  if (!death.point.empty()) {
    options.command.insert(options.command.end(),
                           {"--die-at", death.point, "--passing", std::to_string(death.passing)});
  }
  options.command.insert(options.command.end(), {"--", "--listen", address, "--database", folder.database()});
  options.output = output;
  options.errors = folder.path() / "server.log";
  process_ = std::make_unique<Process>(options);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (ReadFile(output).find("listening on ") == std::string::npos) {
    if (!process_->Running()) return;
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the coordinator hangs: " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  wire_ = std::make_unique<Wire>(address);
}

std::string FaultyServer::log() const {
  const std::string text = ReadFile(folder_.path() / "server.log");
  return text.substr(text.size() > 2000 ? text.size() - 2000 : 0);
}

}  // namespace athanor
