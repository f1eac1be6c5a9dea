// How long slots stand idle between short trials: real workers with a trainer that only sleeps, on one coordinator. All
// of them share the machine's cores; sleeping takes none.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "server/store/sqlite/sqlite_store.h"
#include "tests/bench/load/bars.h"
#include "tests/bench/load/program.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {
namespace {

constexpr char kStudy[] = "slots";

struct Options {
  std::string server = "bin/athanor-server";
  std::string worker = "bin/athanor-worker";
  std::string trainer = "bin/athanor-fake-trainer";
  std::string directory = "/tmp";
  int64_t trials = 640;
  int64_t trial_ms = 250;
  int workers = 4;
  int slots = 4;  // a worker
};

// SIGTERM at the end.
class Workers {
 public:
  Workers(const Options& options, const ServerProcess& server) {
    // The trainers inherit it.
    setenv("ATHANOR_FAKE_TRAINER", fmt::format("step_ms={}", options.trial_ms).c_str(), 1);
    for (int i = 0; i < options.workers; ++i) {
      const std::string name = fmt::format("worker-{}", i);
      const Program program =
          StartProgram({options.worker, "--coordinator", server.address(), "--slots", std::to_string(options.slots),
                        "--device", "cpu", "--name", name, "--state-dir", server.directory() + "/" + name, "--trainer",
                        options.trainer, "--log-level", "error"},
                       Output::kDiscard);
      pids_.push_back(program.pid);
    }
  }
  ~Workers() {
    for (const pid_t pid : pids_) kill(pid, SIGTERM);
    for (const pid_t pid : pids_) WaitForProgram(pid);
  }

 private:
  std::vector<pid_t> pids_;
};

void WaitForStudy(const ServerProcess& server) {
  const auto stub = v1::StudyService::NewStub(server.Connect());
  v1::GetStudyRequest request;
  request.set_study(kStudy);
  v1::Study study;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    grpc::ClientContext context;
    Check(stub->GetStudy(&context, request, &study), "GetStudy");
  } while (study.state() == v1::STUDY_STATE_ACTIVE);
}

// The trials as the server left them, which must all have COMPLETED. Exits with a message else.
std::vector<Trial> ReadTrials(const ServerProcess& server, int64_t want) {
  const auto store = OpenSqliteStore({.path = server.database()});
  if (store.ok()) {
    auto image = (*store)->LoadStudy(1);
    const auto completed = [](const Trial& trial) { return trial.state == TrialState::kCompleted; };
    if (image.ok() && std::ranges::count_if(image->trials, completed) == want) return std::move(image->trials);
  }
  fmt::print(stderr, "slots_bench: not all {} trials completed\n", want);
  std::exit(1);
}

// Means over trials.
struct Usage {
  size_t trials = 0;
  double slot_ms = 0;    // of a slot, from the start of one trial to that of the next
  double leased_ms = 0;  // from the start of a trial to its end
};

// When so many trials ran at once for the first time; the end of time if they never did.
WallTime FirstFull(const std::vector<Trial>& trials, int slots) {
  std::vector<std::pair<WallTime, int>> changes;  // ends before starts of the same millisecond
  for (const Trial& trial : trials) {
    changes.emplace_back(trial.started, +1);
    changes.emplace_back(trial.ended, -1);
  }
  std::ranges::sort(changes);
  int running = 0;
  for (const auto& [at, change] : changes) {
    running += change;
    if (running == slots) return at;
  }
  return WallTime::max();
}

// From when every slot had a trial until the last one started: before, workers start their trainers, and after it slots
// have nothing left to do. NaN if it never came to that.
Usage SteadyUsage(const std::vector<Trial>& trials, int slots) {
  const WallTime from = FirstFull(trials, slots);
  WallTime until = from;
  Usage usage;
  for (const Trial& trial : trials) {
    if (trial.started <= from) continue;
    until = std::max(until, trial.started);
    ++usage.trials;
    usage.leased_ms += static_cast<double>((trial.ended - trial.started).count());
  }
  const auto count = static_cast<double>(usage.trials);
  usage.slot_ms = static_cast<double>((until - from).count()) * slots / count;
  usage.leased_ms /= count;
  return usage;
}

bool Run(const Options& options) {
  ServerProcess server(options.server, options.directory);
  v1::StudySpec spec = SmallSpec(kStudy, options.trials);
  v1::NamedValue& epochs = *spec.add_trainer();
  epochs.set_name("epochs");
  epochs.mutable_value()->set_int_value(1);
  CreateStudy(server.Connect(), spec);
  {
    const Workers workers(options, server);
    WaitForStudy(server);
  }
  server.Stop();
  const std::vector<Trial> trials = ReadTrials(server, options.trials);
  const Usage usage = SteadyUsage(trials, options.workers * options.slots);
  fmt::print("{} cores; {} trials of {} ms on {} workers of {} slots, {} of them while all slots were in use\n",
             std::thread::hardware_concurrency(), options.trials, options.trial_ms, options.workers, options.slots,
             usage.trials);
  fmt::print("  leased {:.2f} ms a trial longer than it trains, then without a trial for {:.2f} ms\n",
             usage.leased_ms - static_cast<double>(options.trial_ms), usage.slot_ms - usage.leased_ms);
  Bars bars;
  bars.AtMost("idle time a slot and trial", usage.slot_ms - static_cast<double>(options.trial_ms), kIdleBar, "ms");
  return !bars.collapsed();
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  athanor::bench::Options options;
  CLI::App app("How long slots of real workers stand idle between trials of a trainer that sleeps.");
  app.add_option("--server", options.server, "the athanor-server program")->capture_default_str();
  app.add_option("--worker", options.worker, "the athanor-worker program")->capture_default_str();
  app.add_option("--trainer", options.trainer, "the athanor-fake-trainer program")->capture_default_str();
  app.add_option("--directory", options.directory, "where the database goes")->capture_default_str();
  app.add_option("--trials", options.trials, "10000 of 1000 ms take eleven minutes")
      ->capture_default_str()
      ->check(CLI::Range(10, 1'000'000));
  app.add_option("--trial-ms", options.trial_ms, "that a trial trains")->capture_default_str();
  app.add_option("--workers", options.workers, "processes")->capture_default_str();
  app.add_option("--slots", options.slots, "a worker")->capture_default_str();
  app.footer("Exits with 1 if not all trials complete, or the figure is four times as bad as its bar.");
  CLI11_PARSE(app, argc, argv);
  return athanor::bench::Run(options) ? 0 : 1;
}
