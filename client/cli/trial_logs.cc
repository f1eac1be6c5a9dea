// trial logs
#include <fmt/format.h>

#include <limits>
#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/verb.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  int64_t number = 0;
  int64_t attempt = 0;
  int64_t tail = 0;
  bool follow = false;
};

// Writes chunks as they come, in the form asked for. To people: what was printed, byte for byte, with a line wherever
// another attempt's text begins unless one was asked for, and one in the place of what was not kept.
class LogPrinter {
 public:
  LogPrinter(Session& session, const Options& options)
      : session_(session), out_(session.surroundings().out), names_attempts_(options.attempt == 0) {}

  // DATA_LOSS if it could not be written.
  absl::Status Print(const v1::TrialLogChunk& chunk) {
    if (session_.for_people()) {
      PrintText(chunk);
    } else if (session_.quiet()) {
      if (attempts_.insert(chunk.token()).second) out_ << chunk.token() << "\n";
    } else {
      PrintRecord(chunk);
    }
    out_.flush();
    return out_.good() ? absl::OkStatus() : absl::DataLossError("the log could not be written to the standard output");
  }

  // An unfinished last line must not run into a prompt.
  void Finish() {
    if (session_.for_people() && in_line_) out_ << "\n" << std::flush;
  }

 private:
  void PrintText(const v1::TrialLogChunk& chunk) {
    if (std::exchange(attempt_, chunk.token()) != chunk.token() && names_attempts_) {
      PrintNote(fmt::format("--- attempt {} ---", chunk.token()));
    }
    if (chunk.dropped_bytes() > 0) {
      const bool utf8 = session_.look().charset == Charset::kUtf8;
      PrintNote(fmt::format("[{} {} bytes not kept {}]", utf8 ? "…" : "...", Grouped(chunk.dropped_bytes()),
                            utf8 ? "…" : "..."));
    }
    out_ << chunk.data();
    if (!chunk.data().empty()) in_line_ = chunk.data().back() != '\n';
  }

  void PrintNote(const std::string& note) {
    if (std::exchange(in_line_, false)) out_ << "\n";
    out_ << StyledLine(note, Style::kDim).Render(session_.look()) << "\n";
  }

  void PrintRecord(const v1::TrialLogChunk& chunk) {
    Json record;
    record["attempt"] = chunk.token();
    record["dropped_bytes"] = chunk.dropped_bytes();
    record["text"] = chunk.data();
    switch (session_.format()) {
      case OutputFormat::kYaml:
        out_ << "---\n" << ToYamlText(record);
        break;
      case OutputFormat::kCsv: {
        const std::string csv = ToCsvText(record);
        out_ << (attempts_.empty() ? csv : csv.substr(csv.find('\n') + 1));
        break;
      }
      default:
        out_ << ToJsonLine(record);
        break;
    }
    attempts_.insert(chunk.token());
  }

  // 12345 as "12,345".
  static std::string Grouped(int64_t number) {
    std::string text = std::to_string(number);
    for (size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
    return text;
  }

  Session& session_;
  std::ostream& out_;
  const bool names_attempts_;
  std::set<int64_t> attempts_;  // that machines were told of
  int64_t attempt_ = 0;         // of the last chunk
  bool in_line_ = false;
};

absl::Status Show(Session& session, const Options& options) {
  v1::ReadTrialLogRequest request;
  request.set_study(options.study);
  request.set_number(options.number);
  request.set_token(options.attempt);
  request.set_tail_lines(options.tail);
  request.set_follow(options.follow);
  LogPrinter printer(session, options);
  const absl::Status status =
      session.client().ReadTrialLog(request, [&](const v1::TrialLogChunk& chunk) { return printer.Print(chunk); });
  printer.Finish();
  return status;
}

}  // namespace

void AddTrialLogs(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(
      parent, "logs",
      "Print what a trial's trainers wrote to stdout and stderr, in the order in which it reached the coordinator: the "
      "end of an attempt may follow the beginning of the next. Of a long log the newest part is kept",
      "athanor trial logs fashion-lenet 7 --follow --tail 20", Show);
  AddTrialArguments(verb, options.study, options.number);
  verb->add_flag("--follow,-f", options.follow, "go on until the trial has ended");
  verb->add_option("--tail", options.tail, "begin with the last N lines that are there now")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}))
      ->option_text("N");
  verb->add_option("--attempt", options.attempt, "only this attempt; `trial show` lists their tokens")
      ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()))
      ->option_text("TOKEN");
}

}  // namespace athanor::cli
