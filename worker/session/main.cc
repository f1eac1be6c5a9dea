// athanor-worker: flags in, a session out. Everything runs on this thread but gRPC's own.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/trainer_options.h"
#include "client/api/worker_client.h"
#include "worker/session/devices.h"
#include "worker/session/flags.h"
#include "worker/session/session.h"
#include "worker/session/trainer_probe.h"
#include "worker/session/worker_name.h"

namespace athanor::session {
namespace {

constexpr int kProtocolVersion = 1;
constexpr int64_t kCheckpointCacheBytes = int64_t{4} << 30;
constexpr Duration kProbeTimeout = std::chrono::seconds(120);

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

absl::Status CheckTrainer(const HelloMessage& hello) {
  if (!hello.option_table_hash.empty() && hello.option_table_hash != TrainerOptionsHash()) {
    return absl::FailedPreconditionError(absl::StrCat("the trainer was built with another table of options (",
                                                      hello.option_table_hash, ") than this worker (",
                                                      TrainerOptionsHash(), ")"));
  }
  spdlog::info("trainer {} {}, LibTorch {}, BLAS {}", hello.trainer, hello.version, hello.libtorch, hello.blas);
  if (absl::StrContains(absl::AsciiStrToLower(hello.blas), "reference")) {
    spdlog::warn(
        "the trainer runs on the reference BLAS, several times slower than it need be: install libopenblas0-openmp");
  }
  return absl::OkStatus();
}

v1::RegisterRequest MakeRegistration(const Flags& flags, const WorkerName& name, const DevicePlan& plan,
                                     const Clock& clock) {
  v1::RegisterRequest registration;
  registration.set_worker(name.name());
  registration.set_incarnation(
      std::chrono::duration_cast<std::chrono::microseconds>(clock.Read().wall.time_since_epoch()).count());
  registration.set_protocol_version(kProtocolVersion);
  registration.set_option_table_hash(TrainerOptionsHash());
  registration.set_host(HostName());
  for (const v1::Device& device : plan.devices) *registration.add_devices() = device;
  registration.set_slots(static_cast<int>(plan.slot_devices.size()));
  registration.mutable_labels()->insert(flags.labels.begin(), flags.labels.end());
  registration.add_trainers("builtin");
  for (const std::string& dataset : FindDatasets()) registration.add_datasets(dataset);
  registration.set_version(ATHANOR_VERSION);
  return registration;
}

// The first signal drains, the second ends.
void OnSignal(boost::asio::signal_set& signals, Session& session, int count) {
  signals.async_wait([&signals, &session, count](const boost::system::error_code& error, int) {
    if (error) return;
    if (count > 0) {
      session.Abort();
      return;
    }
    session.Drain();
    OnSignal(signals, session, count + 1);
  });
}

absl::Status Run(const Flags& flags) {
  boost::asio::io_context io(1);
  const SystemClock clock;
  ATHANOR_ASSIGN_OR_RETURN(const WorkerName name, WorkerName::Claim(flags.state_dir, HostName(), flags.name));
  const std::vector<std::string> trainer = {flags.trainer.empty() ? DefaultTrainer() : flags.trainer};
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  bool ended = false;  // before there is anything to drain
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    ended = true;
    io.stop();
  });
  const absl::StatusOr<HelloMessage> hello = ProbeTrainer(io, trainer, kProbeTimeout);
  if (ended) return absl::OkStatus();
  signals.cancel();
  ATHANOR_RETURN_IF_ERROR(hello.status());
  ATHANOR_RETURN_IF_ERROR(CheckTrainer(*hello));
  ATHANOR_ASSIGN_OR_RETURN(const DevicePlan plan,
                           PlanDevices(flags.device, flags.slots, hello->devices, InspectNode()));
  ATHANOR_ASSIGN_OR_RETURN(const auto cache,
                           CheckpointCache::Open(name.folder() + "/checkpoints", kCheckpointCacheBytes));

  SessionOptions options;
  options.registration = MakeRegistration(flags, name, plan, clock);
  options.trainer = *hello;
  options.trials_folder = name.folder() + "/trials";
  std::error_code ignored;
  std::filesystem::remove_all(options.trials_folder, ignored);  // of a run that was killed
  for (const std::string& device : plan.slot_devices) {
    SlotOptions slot;
    slot.trainer = trainer;
    slot.device = device;
    slot.max_child_memory_bytes = flags.max_child_memory_bytes;
    options.slots.push_back(std::move(slot));
  }
  GrpcWorkerTransport transport({.target = flags.coordinator});
  absl::Status result;
  Session session(io, clock, transport, *cache, std::move(options), [&](const absl::Status& status) {
    result = status;
    io.stop();
  });
  OnSignal(signals, session, 0);
  spdlog::info("worker {}: {} slots, coordinator {}", name.name(), plan.slot_devices.size(), flags.coordinator);
  session.Start();
  io.run();
  return result;
}

}  // namespace
}  // namespace athanor::session

int main(int argc, char** argv) {
  using namespace athanor::session;
  const std::variant<Flags, FlagsExit> parsed = ParseFlags(argc, argv);
  if (const auto* exit = std::get_if<FlagsExit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  const Flags& flags = std::get<Flags>(parsed);
  absl::Status status = athanor::InitLogging(flags.log);
  if (status.ok()) {
    signal(SIGPIPE, SIG_IGN);  // a trainer that died shows as an error of the write
    status = Run(flags);
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "athanor-worker: %s\n", std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}
