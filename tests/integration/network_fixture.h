// A coordinator with short leases, workers with the scripted trainer behind networks that fail, and a client past them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "client/api/study_client.h"
#include "client/api/study_file.h"
#include "tests/integration/cluster.h"
#include "tests/integration/process.h"
#include "tests/testing/fault_proxy.h"

namespace athanor {

class NetworkFixture : public ::testing::Test {
 protected:
  static constexpr auto kLease = std::chrono::milliseconds(3000);

  NetworkFixture() {
    cluster_.StartServer({"--lease", "3s", "--heartbeat", "700ms"});
    network_ = std::make_unique<testing::FaultProxy>(cluster_.address());
    StudyClientOptions options;
    options.coordinator = cluster_.address();
    client_ = std::make_unique<StudyClient>(options);
  }

  // A worker of one slot that reaches the coordinator at `address`; `trainer` are words for the scripted trainer.
  void StartWorker(const std::string& name, const std::string& address, const std::string& trainer) {
    ProcessOptions options;
    options.command = {ATHANOR_WORKER_PROGRAM,
                       "--coordinator",
                       address,
                       "--slots",
                       "1",
                       "--device",
                       "cpu",
                       "--name",
                       name,
                       "--label",
                       "name=" + name,
                       "--state-dir",
                       cluster_.folder() / name,
                       "--trainer",
                       ATHANOR_FAKE_TRAINER_PROGRAM};
    options.output = cluster_.folder() / (name + ".out");
    options.errors = cluster_.folder() / (name + ".log");
    options.environment = {{"ATHANOR_FAKE_TRAINER", trainer}};
    workers_.emplace_back(options);
  }

  // Random search over one parameter; `more` are further lines of the study file.
  void Submit(const std::string& name, int trials, int epochs, const std::string& more = "") {
    const auto file = ParseStudyFile("name: " + name +
                                         "\nobjective: {metric: val_accuracy, goal: maximize}\n"
                                         "parameters: {learning_rate: {type: float, min: 0.1, max: 1.0}}\n"
                                         "search: {method: random, seed: 1}\nbudget: {trials: " +
                                         std::to_string(trials) +
                                         "}\ntrainer: {model: mlp, epochs: " + std::to_string(epochs) + "}\n" + more,
                                     name);
    ASSERT_TRUE(file.ok()) << file.status();
    const auto created = client_->CreateStudy(file->spec);
    ASSERT_TRUE(created.ok()) << created.status();
  }

  // False if it does not come true within a minute.
  template <typename Condition>
  bool Until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  v1::TrialDetail Trial(const std::string& study) { return client_->GetTrial(study, 0).value_or(v1::TrialDetail()); }
  bool UntilStep(const std::string& study, int64_t step) {
    return Until([&] { return Trial(study).trial().final_step() >= step; });
  }
  bool UntilCompleted(const std::string& study) {
    return Until([&] { return Trial(study).trial().state() == v1::TRIAL_STATE_COMPLETED; });
  }
  bool UntilRunsOn(const std::string& study, const std::string& worker) {
    return Until([&] { return Trial(study).trial().worker() == worker; });
  }
  bool UntilHeardOf(const std::string& worker) {
    const int64_t since =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    return Until([&] {
      for (const v1::Worker& known : client_->ListWorkers().value_or(std::vector<v1::Worker>())) {
        if (known.name() == worker && known.last_seen_unix_ms() > since) return true;
      }
      return false;
    });
  }

  v1::Curve Curve(const std::string& study) {
    v1::GetCurveRequest request;
    request.set_study(study);
    request.set_number(0);
    request.set_max_points(100'000);
    request.set_include_archived(true);
    return client_->GetCurve(request).value_or(v1::Curve());
  }
  // All that is stored of the study's only trial, byte for byte.
  std::string Bytes(const std::string& study) {
    return Trial(study).SerializeAsString() + "\n" + Curve(study).SerializeAsString();
  }
  static int64_t Attempts(const v1::TrialDetail& trial) { return trial.attempts_size(); }

  Cluster cluster_;
  std::unique_ptr<testing::FaultProxy> network_;
  std::unique_ptr<StudyClient> client_;
  std::list<Process> workers_;
};

}  // namespace athanor
