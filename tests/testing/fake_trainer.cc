// A trainer that trains nothing: it speaks worker/TRAINER_PROTOCOL.md, with a value that is a pure function of options,
// seed and step, and misbehaves where a test tells it to.
//
// Settings are words `key=value`, from the arguments and from the environment variable ATHANOR_FAKE_TRAINER:
//   step_ms=N          time that a step takes (default 0)
//   only_fresh=1       the misbehaviours below happen only to trials that start from step 0
//   crash_at=N         abort() once step N is trained, before it is reported
//   exit_at=N          _exit(7), likewise;   leave_at=N   _exit(0), as if all were well
//   throw_at=N         exit code 1 with a message on stderr, as a language's runtime leaves after an exception
//   segfault_at=N, kill_at=N   die of that signal
//   memory_at=N        allocate beyond a limit of its address space
//   fail_at=N, infeasible_at=N   say so instead of reporting step N
//   infeasible=REASON  of infeasible_at; '_' stands for a space
//   diverge_at=N       report NaN for step N, then say infeasible
//   stall_at=N         stop its own process (SIGSTOP) instead of reporting step N
//   malformed_at=N     write a line that is not JSON;   oversized_at=N   a line of 2 MiB
//   close_at=N         close fd 4 and live on
//   save=fails         no checkpoint can be written
//   artifact=NAME      leaves an artifact of that name after every step's metrics: STEP and a line end
//   artifact_bytes=N   it has so many bytes instead;   artifact_file=none   there is no file
//   artifact_dir=PATH  it is there instead of in the folder of the trial
//   log_lines=N        lines written to stderr before every step;   log_megabytes=N   likewise
//   log_process=1      print the number of the process when a trial starts
//   last_words=1       print "last words" when told to exit
//   training_metrics=N measurements without the objective are all but every N-th (default 1: none)
//   ignore=stop,pause,exit   commands that it does not obey
//   protocol=N, blas=NAME, hello=none   what it says of itself;   devices=cpu,cuda:0
//   child=1            starts a process of its own group that outlives it unless the group is killed
//   orphan=1           starts one of another group, which keeps the pipes open for a minute
//
// The value at step s is q * s / (s + 2), improving, with q in [0.5, 1) a hash of options and seed; with goal minimize
// 1 minus that. A checkpoint is a text of a line: the step, the training time and that hash; it is resumed only by a
// trial of the same hash.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "base/random.h"
#include "base/sha256.h"
#include "base/trainer_options.h"

namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr int kIn = 3;
constexpr int kOut = 4;

class Settings {
 public:
  void Read(const std::string& words) {
    std::istringstream stream(words);
    for (std::string word; stream >> word;) {
      const size_t equals = word.find('=');
      if (equals != std::string::npos) values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  std::string Text(const std::string& key, const std::string& otherwise) const {
    const auto found = values_.find(key);
    return found == values_.end() ? otherwise : found->second;
  }
  int64_t Number(const std::string& key, int64_t otherwise) const {
    const auto found = values_.find(key);
    return found == values_.end() ? otherwise : std::stoll(found->second);
  }

 private:
  std::map<std::string, std::string> values_;
};

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

void WriteRaw(const std::string& bytes) {
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t count = write(kOut, bytes.data() + written, bytes.size() - written);
    if (count < 0) _exit(0);  // the worker is gone
    written += static_cast<size_t>(count);
  }
}

void Say(const json& message) { WriteRaw(message.dump() + "\n"); }

// Commands from the worker; end of input is `exit`.
class Input {
 public:
  // The next command if there is one within `wait_ms` (-1: waits for ever).
  std::optional<json> Next(int wait_ms) {
    while (true) {
      if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
        json command = json::parse(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        return command;
      }
      pollfd ready{.fd = kIn, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, wait_ms) <= 0) return std::nullopt;
      char bytes[65536];
      const ssize_t count = read(kIn, bytes, sizeof bytes);
      if (count <= 0) return json{{"type", "exit"}};
      buffer_.append(bytes, static_cast<size_t>(count));
    }
  }

 private:
  std::string buffer_;
};

class Run {
 public:
  Run(const Settings& settings, const json& start, Input& input)
      : settings_(settings),
        input_(input),
        trial_(start.at("trial")),
        start_(start),
        identity_(athanor::HashString(start.at("options").dump() + "/" + start.at("seed").get<std::string>())) {
    for (const std::string& command : SplitAtCommas(settings.Text("ignore", ""))) ignored_.insert(command);
    for (const json& step : start.at("hold_at")) hold_at_.insert(step.get<int64_t>());
  }

  void Train() {
    Resume();
    Say({{"type", "started"},
         {"trial", trial_},
         {"resumed_step", step_},
         {"threads", 1},
         {"dataset_hash", "none"},
         {"device", start_.at("device")}});
    if (settings_.Number("log_process", 0) != 0) std::cerr << "process " << getpid() << "\n";
    fresh_ = step_ == 0;
    last_checkpoint_ = SteadyClock::now();
    const int64_t until = start_.at("until");
    while (step_ < until) {
      if (!TrainOneStep()) return;
    }
    if (start_.value("final_checkpoint", false)) Save();
    Say({{"type", "done"}, {"trial", trial_}, {"step", step_}, {"metrics", {{"test_" + Objective(), Value(step_)}}}});
  }

 private:
  std::string Objective() const { return start_.at("objective"); }

  double Value(int64_t step) const {
    const double quality = 0.5 + 0.5 * static_cast<double>(identity_ >> 11) * 0x1p-53;
    const double value = quality * static_cast<double>(step) / static_cast<double>(step + 2);
    return start_.at("goal") == "minimize" ? 1 - value : value;
  }

  void Resume() {
    for (const json& checkpoint : start_.at("checkpoints")) {
      std::ifstream file(checkpoint.at("path").get<std::string>());
      int64_t step = 0;
      int64_t elapsed_ms = 0;
      uint64_t identity = 0;
      if (file >> step >> elapsed_ms >> identity && identity == identity_) {
        step_ = step;
        elapsed_ms_ = elapsed_ms;
        return;
      }
    }
  }

  // False if the trial has ended.
  bool TrainOneStep() {
    for (int64_t line = 0; line < settings_.Number("log_lines", 0); ++line) {
      std::cerr << "step " << step_ + 1 << " log line " << line << "\n";
    }
    for (int64_t megabyte = 0; megabyte < settings_.Number("log_megabytes", 0); ++megabyte) {
      std::cerr << FloodOfLines();
    }
    const auto end = SteadyClock::now() + std::chrono::milliseconds(settings_.Number("step_ms", 0));
    do {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now()).count();
      if (const auto command = input_.Next(left > 0 ? static_cast<int>(std::min<int64_t>(left, 500)) : 0)) {
        if (!Obey(*command)) return false;
      }
      Say({{"type", "progress"},
           {"trial", trial_},
           {"fraction", static_cast<double>(step_) / start_.at("until").get<double>()},
           {"optimizer_step", step_ * 100},
           {"train_loss", 1.0 / static_cast<double>(step_ + 1)},
           {"examples_per_second", 1000.0}});
    } while (SteadyClock::now() < end);
    ++step_;
    elapsed_ms_ += settings_.Number("step_ms", 0);
    return Misbehave() && Report();
  }

  // False if the trial has ended; a crash does not return.
  bool Misbehave() {
    if (settings_.Number("only_fresh", 0) != 0 && !fresh_) return true;
    const auto at = [&](const char* key) { return settings_.Number(key, 0) == step_; };
    if (at("crash_at")) abort();
    if (at("exit_at")) _exit(7);
    if (at("leave_at")) _exit(0);
    if (at("throw_at")) {
      std::cerr << "Traceback: told to throw\n";
      _exit(1);
    }
    if (at("segfault_at")) Segfault();
    if (at("kill_at")) raise(SIGKILL);
    if (at("memory_at")) RunOutOfMemory();
    if (at("stall_at")) raise(SIGSTOP);
    if (at("close_at")) LiveOnUnheard();
    if (at("malformed_at")) WriteRaw("this is not JSON\n");
    if (at("oversized_at")) WriteRaw(std::string(2 << 20, 'x') + "\n");
    if (at("fail_at")) Say({{"type", "failed"}, {"trial", trial_}, {"reason", "told to fail"}});
    if (at("infeasible_at")) Say({{"type", "infeasible"}, {"trial", trial_}, {"reason", Infeasible()}});
    if (at("diverge_at")) Diverge();
    return !at("fail_at") && !at("infeasible_at") && !at("diverge_at");
  }

  std::string Infeasible() const {
    std::string reason = settings_.Text("infeasible", "told_to_be_infeasible");
    std::replace(reason.begin(), reason.end(), '_', ' ');
    return reason;
  }

  // As a program without a sanitizer's handler does.
  static void Segfault() {
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
  }

  [[noreturn]] static void RunOutOfMemory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // their allocators end the process in other words
    throw std::bad_alloc();
#endif
    const rlimit limit{.rlim_cur = rlim_t{1} << 30, .rlim_max = rlim_t{1} << 30};
    setrlimit(RLIMIT_AS, &limit);
    for (std::vector<std::string> hoard;;) hoard.emplace_back(size_t{64} << 20, 'x');
  }

  [[noreturn]] void LiveOnUnheard() {
    close(kOut);
    while (input_.Next(-1)->at("type") != "exit") {
    }
    _exit(0);
  }

  void Diverge() {
    Say({{"type", "metrics"},
         {"trial", trial_},
         {"step", step_},
         {"metrics", {{Objective(), "nan"}}},
         {"elapsed_ms", elapsed_ms_}});
    Say({{"type", "infeasible"}, {"trial", trial_}, {"reason", "diverged: the training loss is nan"}});
  }

  // A megabyte of log, numbered so that a gap shows.
  std::string FloodOfLines() {
    std::string lines;
    while (lines.size() < size_t{1} << 20) lines += "flood " + std::to_string(flood_line_++) + "\n";
    return lines;
  }

  bool Report() {
    const bool holds = hold_at_.contains(step_);
    const int64_t interval_ms = start_.at("checkpoint_interval_ms");
    const bool due = interval_ms > 0 && SteadyClock::now() - last_checkpoint_ >= std::chrono::milliseconds(interval_ms);
    if (holds) Save();
    json metrics = {{"train_loss", 1.0 / static_cast<double>(step_)}};
    if (step_ % settings_.Number("training_metrics", 1) == 0) metrics[Objective()] = Value(step_);
    Say({{"type", "metrics"}, {"trial", trial_}, {"step", step_}, {"metrics", metrics}, {"elapsed_ms", elapsed_ms_}});
    if (due && !holds) Save();
    LeaveArtifact();
    holding_ = holds;
    while (holding_) {
      const std::optional<json> command = input_.Next(-1);
      if (!Obey(*command)) return false;
      if (command->at("type") == "continue") holding_ = false;
    }
    return true;
  }

  void LeaveArtifact() {
    const std::string name = settings_.Text("artifact", "");
    if (name.empty()) return;
    std::string content = std::to_string(step_) + "\n";
    content.resize(static_cast<size_t>(settings_.Number("artifact_bytes", static_cast<int64_t>(content.size()))));
    const std::string folder = settings_.Text("artifact_dir", start_.at("checkpoint_dir"));
    const std::string path = folder + "/artifact-" + std::to_string(step_);
    if (settings_.Text("artifact_file", "") != "none") {
      std::ofstream(path + ".part", std::ios::binary) << content;
      std::filesystem::rename(path + ".part", path);
    }
    Say({{"type", "artifact"},
         {"trial", trial_},
         {"step", step_},
         {"name", name},
         {"path", path},
         {"size", content.size()}});
  }

  void Save() {
    last_checkpoint_ = SteadyClock::now();
    if (settings_.Text("save", "") == "fails") {
      std::cerr << "cannot write a checkpoint: No space left on device\n";
      return;
    }
    const std::string content =
        std::to_string(step_) + " " + std::to_string(elapsed_ms_) + " " + std::to_string(identity_) + "\n";
    const std::string path = start_.at("checkpoint_dir").get<std::string>() + "/step-" + std::to_string(step_);
    // Aside, then renamed: a file that was reported once never changes.
    std::ofstream(path + ".part", std::ios::binary) << content;
    std::filesystem::rename(path + ".part", path);
    Say({{"type", "checkpoint_saved"},
         {"trial", trial_},
         {"step", step_},
         {"path", path},
         {"sha256", athanor::Sha256::Hex(content)},
         {"size", content.size()},
         {"best", true}});
  }

  // False if the trial has ended. `exit` does not return.
  bool Obey(const json& command) {
    const std::string type = command.at("type");
    if (ignored_.contains(type)) return true;
    if (type == "exit") _exit(0);
    if (command.at("trial") != trial_) return true;
    if (type == "checkpoint") Save();
    if (type == "pause") {
      if (!holding_) Save();
      Say({{"type", "paused"}, {"trial", trial_}, {"step", step_}});
    }
    if (type == "stop") Say({{"type", "stopped"}, {"trial", trial_}});
    return type != "pause" && type != "stop";
  }

  const Settings& settings_;
  Input& input_;
  std::string trial_;
  json start_;
  uint64_t identity_;
  std::set<std::string> ignored_;
  std::set<int64_t> hold_at_;
  int64_t step_ = 0;
  int64_t elapsed_ms_ = 0;
  bool fresh_ = true;
  bool holding_ = false;
  int64_t flood_line_ = 0;
  SteadyClock::time_point last_checkpoint_;
};

void SayHello(const Settings& settings) {
  if (settings.Text("hello", "") == "none") return;
  Say({{"type", "hello"},
       {"protocol", settings.Number("protocol", 1)},
       {"trainer", "fake"},
       {"version", "1"},
       {"libtorch", "none"},
       {"devices", SplitAtCommas(settings.Text("devices", "cpu"))},
       {"option_table_hash", athanor::TrainerOptionsHash()},
       {"blas", settings.Text("blas", "none")}});
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (const char* words = std::getenv("ATHANOR_FAKE_TRAINER")) settings.Read(words);
  for (int i = 1; i < argc; ++i) settings.Read(argv[i]);
  signal(SIGPIPE, SIG_IGN);
  if (settings.Number("child", 0) != 0 && fork() == 0) {
    while (true) pause();
  }
  if (settings.Number("orphan", 0) != 0 && fork() == 0) {
    setsid();
    sleep(60);
    _exit(0);
  }
  SayHello(settings);
  Input input;
  while (const std::optional<json> command = input.Next(-1)) {
    const std::string type = command->at("type");
    if (type == "start") Run(settings, *command, input).Train();
    if (type == "exit" && settings.Number("last_words", 0) != 0) std::cerr << "last words\n";
    // What is said of a trial that has ended meanwhile is of no interest.
    if (type == "exit" && settings.Text("ignore", "").find("exit") == std::string::npos) return 0;
  }
}
