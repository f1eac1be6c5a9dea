// study watch
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/live_screen.h"
#include "client/cli/verb.h"
#include "client/cli/watch_events.h"
#include "client/cli/watch_view.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  int top = 10;
};

v1::WatchStudyRequest Request(const std::string& study, int top) {
  v1::WatchStudyRequest request;
  request.set_study(study);
  request.set_top(top);
  return request;
}

// A watch is for scripts, too: what it waited for decides how it ends.
absl::Status HowItEnded(const v1::Study& study) {
  if (study.state() == v1::STUDY_STATE_COMPLETED) return absl::OkStatus();
  return absl::AbortedError(fmt::format("study {} is {}{}{}", study.spec().name(), StateName(study.state()),
                                        study.reason().empty() ? "" : ": ", study.reason()));
}

// Reads a watch on a thread of its own, because a stream cannot be polled together with signals.
class SnapshotReader {
 public:
  // Calls `wake` after every change of what Latest() returns. `watch` and what `wake` uses outlive this.
  SnapshotReader(StudyWatch& watch, std::function<void()> wake)
      : watch_(watch), wake_(std::move(wake)), thread_([this] { Read(); }) {}
  ~SnapshotReader() {
    watch_.Cancel();
    thread_.join();
  }

  struct State {
    std::optional<v1::StudySnapshot> snapshot;  // the newest
    std::optional<absl::Status> ended;          // OK: the study has ended
  };
  State Latest() {
    MutexLock lock(mutex_);
    return state_;
  }

 private:
  void Read() {
    for (bool more = true; more;) {
      absl::StatusOr<std::optional<v1::StudySnapshot>> next = watch_.Next();
      {
        MutexLock lock(mutex_);
        more = next.ok() && next->has_value();
        if (more) {
          state_.snapshot = **std::move(next);
        } else {
          state_.ended = next.status();
        }
      }
      wake_();
    }
  }

  StudyWatch& watch_;
  const std::function<void()> wake_;
  Mutex mutex_;
  State state_ ATHANOR_GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses the others
};

absl::Status WatchLive(Session& session, const std::string& study, int top) {
  const std::unique_ptr<StudyWatch> watch = session.client().WatchStudy(Request(study, top));
  SignalPipe signals({SIGINT, SIGTERM, SIGHUP, SIGWINCH});
  SnapshotReader reader(*watch, [&signals] { signals.Wake(); });
  std::optional<LiveScreen> screen;  // from the first snapshot on: an unknown study gets its error on a clean screen
  while (true) {
    pollfd readable{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    poll(&readable, 1, -1);
    for (int signal = signals.Take(); signal != 0; signal = signals.Take()) {
      if (signal == SIGWINCH) {
        if (screen) screen->Clear();
        continue;
      }
      session.set_exit_code(kInterrupted);
      return absl::OkStatus();
    }
    const SnapshotReader::State state = reader.Latest();
    if (state.snapshot) {
      if (!screen) screen.emplace(session.surroundings().out);
      const TerminalSize size = session.surroundings().terminal_size();
      screen->Show(RenderWatch(*state.snapshot,
                               {.width = static_cast<size_t>(std::max(size.columns, 1)),
                                .height = static_cast<size_t>(std::max(size.rows - 1, 1))},
                               session.look()));
    }
    if (!state.ended) continue;
    screen.reset();
    return state.ended->ok() && state.snapshot ? HowItEnded(state.snapshot->study()) : *state.ended;
  }
}

// One event in the form asked for. CSV gets its header with the first.
std::string Format(const Session& session, const WatchEvent& event, const std::string& metric, bool first) {
  if (session.quiet()) return fmt::format("{}\n", event.trial);
  switch (session.format()) {
    case OutputFormat::kJson:
      return ToJsonLine(ToJson(event));
    case OutputFormat::kYaml:
      return "---\n" + ToYamlText(ToJson(event));
    case OutputFormat::kCsv: {
      const std::string csv = ToCsvText(ToJson(event));
      return first ? csv : csv.substr(csv.find('\n') + 1);
    }
    case OutputFormat::kTable:
      break;
  }
  return fmt::format("{} {}\n", FormatTime(session.now_unix_ms()), EventText(event, metric));
}

absl::Status WatchAsLog(Session& session, const std::string& study, int top) {
  StudyClient& client = session.client();
  WatchEvents events([&](const std::function<bool(const v1::Trial&)>& visit) {
    v1::ListTrialsRequest request;
    request.set_study(study);
    request.set_order(v1::TRIAL_ORDER_NUMBER_DESCENDING);
    for (const v1::TrialState state : {v1::TRIAL_STATE_COMPLETED, v1::TRIAL_STATE_PRUNED, v1::TRIAL_STATE_FAILED,
                                       v1::TRIAL_STATE_INFEASIBLE, v1::TRIAL_STATE_CANCELLED}) {
      request.mutable_filter()->add_states(state);
    }
    const absl::Status status = client.ForEachTrial(request, [&](const v1::Trial& trial) {
      return visit(trial) ? absl::OkStatus() : absl::CancelledError("seen enough");
    });
    return absl::IsCancelled(status) ? absl::OkStatus() : status;
  });
  const std::unique_ptr<StudyWatch> watch = client.WatchStudy(Request(study, top));
  std::ostream& out = session.surroundings().out;
  bool first = true;
  v1::Study last;
  while (true) {
    ATHANOR_ASSIGN_OR_RETURN(const std::optional<v1::StudySnapshot> snapshot, watch->Next());
    if (!snapshot) break;
    last = snapshot->study();
    ATHANOR_ASSIGN_OR_RETURN(const std::vector<WatchEvent> fresh, events.Update(*snapshot));
    const std::string metric = last.spec().objectives_size() > 0 ? last.spec().objectives(0).metric() : "value";
    for (const WatchEvent& event : fresh) {
      out << Format(session, event, metric, first);
      first = false;
    }
    out.flush();
    if (!out.good()) return absl::DataLossError("the events could not be written to the standard output");
  }
  if (session.for_people()) {
    out << fmt::format("{} study {} {}", FormatTime(session.now_unix_ms()), last.spec().name(),
                       Lower(StateName(last.state())));
    if (last.best().has_best_value()) {
      out << fmt::format(": best {} at step {}, trial {}", FormatMetric(last.best().best_value()),
                         last.best().best_step(), last.best().number());
    }
    out << std::endl;
  }
  return HowItEnded(last);
}

}  // namespace

absl::Status WatchStudy(Session& session, const std::string& study, int top) {
  const Surroundings& surroundings = session.surroundings();
  const bool can_redraw = surroundings.out_is_terminal && surroundings.variable("TERM").value_or("") != "dumb";
  const bool live = can_redraw && session.for_people();
  return live ? WatchLive(session, study, top) : WatchAsLog(session, study, top);
}

void AddStudyWatch(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(
      parent, "watch",
      "Watch a study until it ends: drawn in place on a terminal, else one line an event. "
      "Exit code 1 if it ends other than COMPLETED",
      "athanor study watch fashion-lenet",
      [](Session& run, const Options& chosen) { return WatchStudy(run, chosen.study, chosen.top); });
  AddStudyArgument(verb, options.study);
  verb->add_option("--top", options.top, "length of the leader board; default 10")
      ->check(CLI::Range(1, 100))
      ->option_text("N");
}

}  // namespace athanor::cli
