#include "worker/session/trainer_probe.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/session/child.h"

namespace athanor::session {
namespace {

class HelloListener final : public Child::Observer {
 public:
  explicit HelloListener(boost::asio::io_context& io) : io_(io) {}

  void OnMessage(TrainerMessage message) override {
    if (const auto* hello = std::get_if<HelloMessage>(&message.body)) {
      Conclude(*hello);
    } else {
      Conclude(absl::FailedPreconditionError("its first message was not hello"));
    }
  }
  void OnProtocolError(const absl::Status& error) override { Conclude(absl::FailedPreconditionError(error.message())); }
  void OnExit(const ChildExit& exit) override {
    Conclude(absl::FailedPreconditionError(absl::StrCat("it ended with ", exit.ToString())));
  }

  const std::optional<absl::StatusOr<HelloMessage>>& result() const { return result_; }

 private:
  void Conclude(absl::StatusOr<HelloMessage> result) {
    if (!result_.has_value()) result_ = std::move(result);
    io_.stop();
  }

  boost::asio::io_context& io_;
  std::optional<absl::StatusOr<HelloMessage>> result_;
};

}  // namespace

absl::StatusOr<HelloMessage> ProbeTrainer(boost::asio::io_context& io, const std::vector<std::string>& command,
                                          Duration timeout) {
  HelloListener listener(io);
  ATHANOR_ASSIGN_OR_RETURN(const std::shared_ptr<Child> child, Child::Spawn(io, command, {}, &listener));
  io.run_for(timeout);
  io.restart();
  child->Detach();
  if (!listener.result().has_value()) {
    return absl::DeadlineExceededError(absl::StrCat("trainer ", command.front(), " did not say hello in time"));
  }
  const absl::StatusOr<HelloMessage>& hello = *listener.result();
  const std::string log = child->log().Text();
  if (!hello.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "trainer ", command.front(), " is of no use: ", hello.status().message(), log.empty() ? "" : "\n", log));
  }
  if (hello->protocol != kTrainerProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("trainer ", command.front(), " speaks trainer protocol ",
                                                      hello->protocol, ", this worker ", kTrainerProtocolVersion));
  }
  return hello;
}

}  // namespace athanor::session
