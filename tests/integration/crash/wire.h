// What a test says to a coordinator over gRPC, one call at a time, and what it makes of the answers.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "athanor/v1/worker_service.grpc.pb.h"

namespace athanor {

// For one call; its deadline is far beyond what any call takes.
std::unique_ptr<grpc::ClientContext> NewContext();

// As text, but for the times and for what only says who is connected.
std::string TextWithoutTimes(google::protobuf::Message& message);

// Stubs on one channel to one coordinator.
struct Wire {
  explicit Wire(const std::string& address);

  std::unique_ptr<v1::StudyService::Stub> studies;
  std::unique_ptr<v1::AdminService::Stub> admin;
  std::unique_ptr<v1::WorkerService::Stub> workers;
};

// An answer without times, so that the same call to an equal coordinator has the same text.
struct Answer {
  grpc::Status status;
  std::string text;  // of an OK answer
};

// A call that changes something, with everything that a repeat of it carries again.
struct Call {
  // What a repeat of a call that took effect is told.
  enum class Repeat {
    kSameAnswer,
    kRefused,  // FAILED_PRECONDITION: it ended the lease that it speaks for
  };

  std::string name;
  std::function<Answer(Wire&)> run;
  Repeat repeat = Repeat::kSameAnswer;
  bool momentary = false;  // a repeat is one only until the worker's next call: it says how things stand at the moment

  Call RepeatedIs(Repeat expected) && {
    repeat = expected;
    return std::move(*this);
  }
};

// Every kind of mutating call, each in a state in which it does all it can do: in this order they make one history, in
// which every answer is OK.
std::vector<Call> History();

// All that a client can read: studies, trials, attempts, decisions, curves, workers; without times.
std::string ServedFacts(Wire& wire);

}  // namespace athanor
