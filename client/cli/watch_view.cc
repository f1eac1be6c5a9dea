#include "client/cli/watch_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "client/cli/bars.h"
#include "client/cli/format.h"
#include "client/cli/table.h"

namespace athanor::cli {
namespace {

constexpr size_t kCurveWidth = 12;

class WatchView {
 public:
  WatchView(const v1::StudySnapshot& snapshot, ViewSize size, const Look& look)
      : snapshot_(snapshot), study_(snapshot.study()), size_(size), look_(look) {
    for (const v1::SparseCurve& curve : snapshot.curves()) curves_[curve.trial_number()] = &curve;
  }

  std::vector<std::string> Render() const {
    std::vector<StyledLine> lines = Header();
    const Table running = Running();
    const Table leaders = Leaders();
    const Table workers = Workers();
    const Shares shares = Share(lines.size());
    AddSection(running, snapshot_.running_size(), shares.running, &lines);
    AddSection(leaders, snapshot_.leaders_size(), shares.leaders, &lines);
    AddSection(workers, snapshot_.workers_size(), shares.workers, &lines);

    std::vector<std::string> rendered;
    for (StyledLine& line : lines) {
      if (rendered.size() == size_.height) break;
      line.Fit(size_.width, look_.charset);
      rendered.push_back(line.Render(look_));
    }
    return rendered;
  }

 private:
  // Rows of each section.
  struct Shares {
    size_t running = 0;
    size_t leaders = 0;
    size_t workers = 0;
  };

  std::string Metric() const {
    return study_.spec().objectives_size() > 0 ? study_.spec().objectives(0).metric() : "value";
  }

  size_t BarWidth() const { return std::clamp<size_t>(size_.width / 8, 4, 16); }

  StyledLine Title() const {
    StyledLine line(study_.spec().name(), Style::kBold);
    line.Append("  ").Append(StateName(study_.state()), StateStyle(study_.state()));
    line.Append(fmt::format("  {} search, {}", EffectiveMethod(study_.spec().search()),
                            study_.spec().early_stopping().method_case() == v1::EarlyStopping::METHOD_NOT_SET
                                ? "no early stopping"
                                : FormatStopping(study_.spec().early_stopping(), study_.max_resource())),
                Style::kDim);
    const std::string active = "active " + FormatDuration(study_.active_ms());
    if (line.width() + active.size() + 2 <= size_.width) {
      line.PadTo(size_.width - active.size()).Append(active, Style::kDim);
    }
    return line;
  }

  StyledLine Best() const {
    const bool minimize =
        study_.spec().objectives_size() > 0 && study_.spec().objectives(0).goal() == v1::GOAL_MINIMIZE;
    StyledLine line(minimize ? "minimize " : "maximize ", Style::kDim);
    line.Append(Metric());
    if (!study_.has_best() || !study_.best().has_best_value()) return line.Append("  no value yet", Style::kDim);
    const v1::Trial& best = study_.best();
    line.Append("  best ", Style::kDim).Append(FormatMetric(best.best_value()), Style::kGood);
    return line.Append(fmt::format(" at step {}, trial {}", best.best_step(), best.number()), Style::kDim);
  }

  int64_t Count(v1::TrialState state) const {
    for (const v1::TrialCount& count : study_.trial_counts()) {
      if (count.state() == state) return count.count();
    }
    return 0;
  }

  StyledLine Bar() const {
    int64_t finished = 0;
    for (const v1::TrialCount& count : study_.trial_counts()) {
      if (IsFinished(count.state())) finished += count.count();
    }
    const int64_t total = study_.trials_total();
    if (total == 0) return StyledLine(fmt::format("{} trials finished, no limit", finished));
    const double fraction = static_cast<double>(finished) / static_cast<double>(total);
    std::string text = fmt::format("  {}/{} trials  {:.0f}%", finished, total, 100 * fraction);
    if (snapshot_.has_eta_ms() && !IsFinished(study_.state())) text += "  ETA " + FormatDuration(snapshot_.eta_ms());
    const size_t room = size_.width > text.size() + 4 ? size_.width - text.size() : 4;
    StyledLine line = ProgressBar(fraction, std::min<size_t>(room, 48), StateStyle(study_.state()), look_.charset);
    return line.Append(text);
  }

  StyledLine Counts() const {
    static constexpr v1::TrialState kOrder[] = {
        v1::TRIAL_STATE_RUNNING, v1::TRIAL_STATE_PAUSED,     v1::TRIAL_STATE_WAITING,   v1::TRIAL_STATE_COMPLETED,
        v1::TRIAL_STATE_PRUNED,  v1::TRIAL_STATE_INFEASIBLE, v1::TRIAL_STATE_CANCELLED, v1::TRIAL_STATE_FAILED};
    StyledLine line;
    int64_t created = 0;
    for (const v1::TrialState state : kOrder) {
      const int64_t count = Count(state);
      created += count;
      if (count == 0) continue;
      if (line.width() > 0) line.Append("  ");
      line.Append(fmt::format("{} {}", count, Lower(StateName(state))), StateStyle(state));
    }
    if (study_.trials_total() > created && !IsFinished(study_.state())) {
      if (line.width() > 0) line.Append("  ");
      line.Append(fmt::format("{} to come", study_.trials_total() - created), Style::kDim);
    }
    return line;
  }

  std::vector<StyledLine> Header() const {
    std::vector<StyledLine> lines = {Title(), Best(), Bar(), Counts()};
    if (!study_.reason().empty()) {
      // Why an ACTIVE study waits wants to be seen; why a COMPLETED one ended does not.
      const Style style = study_.state() == v1::STUDY_STATE_ACTIVE ? Style::kWarn : StateStyle(study_.state());
      lines.emplace_back(study_.reason(), study_.state() == v1::STUDY_STATE_COMPLETED ? Style::kDim : style);
    }
    return lines;
  }

  StyledLine CurveOf(const v1::Trial& trial) const {
    const auto curve = curves_.find(trial.number());
    if (curve == curves_.end()) return StyledLine();
    const std::vector<double> values(curve->second->values().begin(), curve->second->values().end());
    return StyledLine(Sparkline(values, kCurveWidth, look_.charset), StateStyle(trial.state()));
  }

  Table Running() const {
    Table table({{"RUNNING", Align::kRight},
                 {"PROGRESS"},
                 {"STEP", Align::kRight},
                 {Upper(Metric()), Align::kRight},
                 {"CURVE"},
                 {"LOSS", Align::kRight},
                 {"WORKER"},
                 {"PARAMETERS"}});
    for (const v1::Trial& trial : snapshot_.running()) {
      StyledLine progress;
      if (trial.has_progress()) {
        const double fraction = trial.progress().fraction();
        progress = ProgressBar(fraction, BarWidth(), Style::kActive, look_.charset);
        progress.Append(fmt::format(" {:>3.0f}%", 100 * std::clamp(fraction, 0.0, 1.0)));
      } else {
        progress = StyledLine("starting", Style::kDim);
      }
      table.AddRow({StyledLine(std::to_string(trial.number())), progress,
                    StyledLine(fmt::format("{}/{}", trial.final_step(), study_.max_resource())),
                    StyledLine(trial.has_final_value() ? FormatMetric(trial.final_value()) : ""), CurveOf(trial),
                    StyledLine(trial.has_progress() ? FormatMetric(trial.progress().train_loss()) : "", Style::kDim),
                    StyledLine(trial.worker(), Style::kDim),
                    StyledLine(FormatParameters(trial.parameters()), Style::kDim)});
    }
    return table;
  }

  Table Leaders() const {
    Table table({{"LEADER", Align::kRight},
                 {"TRIAL", Align::kRight},
                 {Upper(Metric()), Align::kRight},
                 {"STEP", Align::kRight},
                 {"CURVE"},
                 {"ENDED"},
                 {"PARAMETERS"}});
    for (int i = 0; i < snapshot_.leaders_size(); ++i) {
      const v1::Trial& trial = snapshot_.leaders(i);
      table.AddRow(
          {StyledLine(std::to_string(i + 1)), StyledLine(std::to_string(trial.number())),
           StyledLine(trial.has_best_value() ? FormatMetric(trial.best_value()) : "",
                      i == 0 ? Style::kGood : Style::kPlain),
           StyledLine(std::to_string(trial.best_step())), CurveOf(trial),
           StyledLine(Truncate(FormatEnd(trial, study_.rungs()), 32, look_.charset), StateStyle(trial.state())),
           StyledLine(FormatParameters(trial.parameters()), Style::kDim)});
    }
    return table;
  }

  Table Workers() const {
    Table table({{"WORKER"}, {"STATE"}, {"BUSY", Align::kRight}, {"DEVICES"}, {"REASON"}});
    for (const v1::Worker& worker : snapshot_.workers()) {
      std::string devices;
      for (const v1::Device& device : worker.devices()) {
        devices += (devices.empty() ? "" : ", ") + (device.name().empty() ? device.kind() : device.name());
      }
      table.AddRow({StyledLine(worker.name()), StyledLine(StateName(worker.state()), StateStyle(worker.state())),
                    StyledLine(fmt::format("{}/{}", worker.leased(), worker.slots())), StyledLine(devices, Style::kDim),
                    StyledLine(worker.reason(), Style::kDim)});
    }
    return table;
  }

  // Divides the lines below the header. A section costs two more than its rows: a blank line and its own header. If
  // nothing is left for the workers, the others get what theirs would have cost.
  Shares Share(size_t header_lines) const {
    const Shares shares = Share(header_lines, snapshot_.workers_size());
    return shares.workers > 0 ? shares : Share(header_lines, 0);
  }

  Shares Share(size_t header_lines, size_t workers) const {
    const size_t running = snapshot_.running_size();
    const size_t leaders = snapshot_.leaders_size();
    const size_t overhead = 2 * ((running > 0) + (leaders > 0) + (workers > 0));
    size_t left = size_.height > header_lines + overhead ? size_.height - header_lines - overhead : 0;
    Shares shares;
    const auto give = [&left](size_t wanted, size_t limit, size_t* share) {
      const size_t given = std::min({wanted - *share, limit, left});
      *share += given;
      left -= given;
    };
    // A little for everyone, the leader board first; then what is left in the same order.
    give(leaders, 3, &shares.leaders);
    give(running, std::max<size_t>(left / 2, 1), &shares.running);
    give(workers, std::max<size_t>(left / 4, 1), &shares.workers);
    give(leaders, left, &shares.leaders);
    give(running, left, &shares.running);
    give(workers, left, &shares.workers);
    return shares;
  }

  // The first `share` rows; if some are left out and there is room for more than one, the last is their count.
  void AddSection(const Table& table, size_t rows, size_t share, std::vector<StyledLine>* lines) const {
    if (share == 0) return;
    std::vector<StyledLine> section = table.Lines(size_.width, look_.charset);
    if (share == 1) {
      section.resize(2);  // its header and one row
    } else if (share < rows) {
      section.resize(share);  // its header and share - 1 rows
      section.emplace_back(fmt::format("+{} more", rows - share + 1), Style::kDim);
    }
    lines->emplace_back();
    lines->insert(lines->end(), section.begin(), section.end());
  }

  const v1::StudySnapshot& snapshot_;
  const v1::Study& study_;
  const ViewSize size_;
  const Look& look_;
  std::map<int64_t, const v1::SparseCurve*> curves_;
};

}  // namespace

std::vector<std::string> RenderWatch(const v1::StudySnapshot& snapshot, ViewSize size, const Look& look) {
  return WatchView(snapshot, size, look).Render();
}

}  // namespace athanor::cli
