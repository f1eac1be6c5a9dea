#include "tests/testing/service_harness.h"

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

#include "server/rpc/checkpoint_transfer.h"
#include "server/rpc/log_calls.h"

namespace athanor::testing {
namespace {

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "the test's coordinator cannot start: %s\n", status.ToString().c_str());
  std::abort();
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "athanor-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) Require(absl::UnavailableError("no scratch directory"));
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ServiceHarness::ServiceHarness(CoordinatorOptions options, Store* store, const Clock* clock)
    : store_(store == nullptr ? memory_ : *store),
      clock_(clock == nullptr ? system_clock_ : *clock),
      coordinator_(store_, options),
      owner_(store_, coordinator_, clock_),
      reads_(read_threads_, 4096),
      transfers_(transfer_threads_, 1024) {
  auto files = CheckpointFiles::Open(directory_.path());
  Require(files.status());
  files_ = *std::move(files);
  auto logs = LogFiles::Open(log_directory_.path(), {});
  Require(logs.status());
  logs_ = *std::move(logs);
  auto artifacts = ArtifactFiles::Open(artifact_directory_.path(), {});
  Require(artifacts.status());
  artifacts_ = *std::move(artifacts);
  Require(coordinator_.Load(clock_.Read().monotonic));
  for (const std::string& sha256 : coordinator_.checkpoints().Hashes()) files_->Hold(sha256);
  context_.reset(new ServiceContext{owner_, coordinator_, store_, *files_, *logs_, *artifacts_, reads_, transfers_,
                                    clock_, "test", clock_.Read().monotonic});
  FollowCheckpointRows(*context_);
  FollowEndedRows(*context_);
  owner_thread_ = std::thread([this] { owner_.Run(); });
}

ServiceHarness::~ServiceHarness() {
  read_threads_.join();
  transfer_threads_.join();
  owner_.Stop();
  owner_thread_.join();
}

void ServiceHarness::OnOwner(const std::function<void(Transaction&)>& operation) {
  // Shared: set_value may still be at work when the future is ready.
  const auto done = std::make_shared<std::promise<void>>();
  Require(owner_.Post([&operation, done](Transaction& tx) -> Owner::Reply {
    operation(tx);
    return [done](const absl::Status&) { done->set_value(); };
  }));
  done->get_future().wait();
}

void ServiceHarness::FinishTransfers() {
  // When every thread of the pool has come here, none is busy with an earlier task.
  const auto met = std::make_shared<std::barrier<>>(kTransferThreads + 1);
  for (int i = 0; i < kTransferThreads; ++i) Require(transfers_.Post([met] { met->arrive_and_wait(); }));
  met->arrive_and_wait();
}

void ServiceHarness::Tick() {
  OnOwner([this](Transaction& tx) { coordinator_.Tick(tx); });
}

}  // namespace athanor::testing
