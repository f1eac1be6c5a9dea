#include "tests/integration/crash/reference.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/integration/crash/stored_facts.h"

namespace athanor {

int Reference::MostPassings(const std::string& point) const {
  int most = 0;
  for (const auto& of_call : passings) {
    if (const auto found = of_call.find(point); found != of_call.end()) most = std::max(most, found->second);
  }
  return most;
}

void Settle(const Folder& folder, Wire& wire) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (FileNames(folder.checkpoints()) != CheckpointRows(folder.database())) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "checkpoint files are not those that rows name";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // Behind whatever the owner is at.
  v1::ListWorkersResponse workers;
  const grpc::Status status = wire.admin->ListWorkers(NewContext().get(), {}, &workers);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

Reference RunUndisturbed(const Folder& folder) {
  Reference reference;
  reference.calls = History();
  FaultyServer server(folder, {});
  if (!server.serves()) {
    ADD_FAILURE() << server.log();
    return reference;
  }
  const auto note = [&] {
    reference.stored.push_back(StoredFacts(folder.database()));
    reference.served.push_back(ServedFacts(server.wire()));
  };
  note();
  for (const Call& call : reference.calls) {
    folder.TakeTrace();
    folder.Arm();
    const Answer answer = call.run(server.wire());
    EXPECT_TRUE(answer.status.ok()) << call.name << ": " << answer.status.error_message();
    Settle(folder, server.wire());
    folder.Disarm();
    reference.passings.push_back(folder.TakeTrace());
    reference.answers.push_back(answer.text);
    note();
  }
  server.Signal(SIGKILL);
  server.Wait();
  return reference;
}

}  // namespace athanor
