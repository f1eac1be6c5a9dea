#include "tests/server/store/fact_text.h"

#include <map>
#include <optional>
#include <sstream>
#include <type_traits>
#include <variant>

#include "absl/strings/str_replace.h"

namespace athanor {

namespace {

// Joins what it is given with spaces; optional values that are absent are "-".
class Line {
 public:
  template <typename T>
  Line& operator<<(const T& value) {
    if (!text_.empty()) text_ += ' ';
    text_ += Piece(value);
    return *this;
  }
  std::string text() const { return text_; }

 private:
  static std::string Piece(const char* text) { return text; }
  static std::string Piece(const std::string& text) { return absl::StrCat("'", text, "'"); }
  static std::string Piece(double value) { return Text(value); }
  static std::string Piece(const Value& value) { return Text(value); }
  static std::string Piece(bool value) { return value ? "true" : "false"; }
  template <typename Integer>
  requires std::is_integral_v<Integer>
  static std::string Piece(Integer value) { return absl::StrCat(value); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static std::string Piece(Enum value) { return absl::StrCat("#", static_cast<int>(value)); }
  static std::string Piece(WallTime time) { return absl::StrCat(time.time_since_epoch().count(), "ms"); }
  template <typename T>
  static std::string Piece(const std::optional<T>& value) {
    return value.has_value() ? Piece(*value) : "-";
  }
  static std::string Piece(const std::optional<ObjectiveValue>& value) {
    return value.has_value() ? absl::StrCat(Text(value->value), "@", value->step) : "-";
  }
  static std::string Piece(const std::map<std::string, std::string>& labels) {
    std::string text = "{";
    for (const auto& [key, value] : labels) absl::StrAppend(&text, "'", key, "': '", value, "' ");
    return text + "}";
  }

  std::string text_;
};

std::string OptionsText(const PercentileOptions& o) {
  return (Line() << o.percentile << o.startup_trials << o.warmup_steps << o.interval_steps << o.min_trials).text();
}

std::string OptionsText(const HalvingOptions& o) {
  return (Line() << o.min_resource << o.max_resource << o.reduction_factor << o.finalists << o.startup_trials).text();
}

struct StoppingText {
  std::string operator()(const NoStopping&) const { return "none"; }
  std::string operator()(const MedianStopping& o) const { return absl::StrCat("median ", OptionsText(o)); }
  std::string operator()(const PercentileStopping& o) const { return absl::StrCat("percentile ", OptionsText(o)); }
  std::string operator()(const AshaPromotion& o) const {
    return absl::StrCat("asha ", OptionsText(o), " brackets ", o.brackets);
  }
  std::string operator()(const AshaStopping& o) const { return absl::StrCat("asha_stopping ", OptionsText(o)); }
  std::string operator()(const Hyperband& o) const {
    return absl::StrCat("hyperband ", OptionsText(o), " synchronous ", o.synchronous);
  }
  std::string operator()(const ThresholdStopping& o) const {
    return (Line() << "threshold" << o.lower << o.upper << o.warmup_steps << o.interval_steps).text();
  }
  std::string operator()(const PatienceStopping& o) const {
    return absl::StrCat((Line() << "patience" << o.patience << o.min_delta).text(), " then ",
                        std::visit(StoppingText(), o.inner));
  }
};

}  // namespace

std::string Text(const Condition& condition) {
  return absl::StrCat(condition.parent, " in [", absl::StrReplaceAll(Text(condition.values), {{"\n", ", "}}), "]");
}

std::string Text(const Parameter& p) {
  return absl::StrCat(
      (Line() << "parameter" << p.name << p.type << p.min << p.max << p.scale << p.step << p.points).text(),
      " values [", absl::StrReplaceAll(Text(p.values), {{"\n", ", "}}), "] when ",
      absl::StrReplaceAll(Text(p.when), {{"\n", " and "}}));
}

// Exact: every bit of a finite number shows.
std::string Text(double value) {
  std::ostringstream out;
  out << std::hexfloat << value;
  return value != value ? "nan" : out.str();
}

std::string Text(const Value& value) {
  if (const double* number = std::get_if<double>(&value)) return absl::StrCat("float ", Text(*number));
  if (const std::string* text = std::get_if<std::string>(&value)) return absl::StrCat("string '", *text, "'");
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "bool true" : "bool false";
  return absl::StrCat("int ", std::get<int64_t>(value));
}

std::string Text(const Configuration& configuration) {
  Line line;
  for (const std::optional<Value>& value : configuration) line << value;
  return absl::StrCat("[", line.text(), "]");
}

std::string Text(const StudySpec& s) {
  std::string text =
      (Line() << s.name << s.description << s.labels << s.priority << s.owner << s.resource << "search"
              << s.search.method << s.search.seed << "budget" << s.budget.trials << s.budget.parallel
              << s.budget.wall_clock_ms << s.budget.max_failures << s.budget.target << "retry" << s.retry.max_attempts
              << s.retry.stall_timeout_ms << "requires" << s.requirements.device << s.requirements.devices
              << s.requirements.labels << "checkpoint" << s.checkpoint.interval_ms << s.checkpoint.keep_best)
          .text();
  absl::StrAppend(&text, "\nstopping ", std::visit(StoppingText{}, s.early_stopping), "\n");
  for (const Objective& o : s.objectives)
    absl::StrAppend(&text, (Line() << "objective" << o.metric << o.goal).text(), "\n");
  absl::StrAppend(&text, Text(s.parameters));
  for (const auto& [name, value] : s.trainer) absl::StrAppend(&text, "trainer ", name, " = ", Text(value), "\n");
  for (const std::string& study : s.warm_start) absl::StrAppend(&text, "warm start ", study, "\n");
  return text;
}

std::string Text(const StudyRecord& s) {
  return absl::StrCat(
      (Line() << s.id << s.state << s.reason << s.created << s.ended << s.active_ms << s.revision).text(), " ",
      Text(s.spec));
}

std::string Text(const Trial& t) {
  return absl::StrCat(
      (Line() << t.number << t.state << t.reason << t.suggestion_index << t.seed << t.bracket << t.finalist << t.best
              << t.final << t.elapsed_ms << t.attempts << t.stuck_failures << t.created << t.started << t.ended)
          .text(),
      " ", Text(t.configuration.Unpack()));
}

std::string Text(const Attempt& a) {
  const Environment& environment = EnvironmentOf(a);
  return (Line() << a.token << a.trial << a.worker << a.started << a.ended << a.outcome << a.reason << a.resumed_step
                 << environment.device << environment.trainer_version << environment.libtorch_version
                 << environment.threads << environment.dataset_hash << a.acquire_sequence)
      .text();
}

std::string Text(const Metric& metric) { return absl::StrCat(metric.name, "=", Text(metric.value)); }

std::string Text(const Measurement& m) {
  return absl::StrCat("step ", m.step, " after ", m.elapsed_ms,
                      " ms: ", absl::StrReplaceAll(Text(m.metrics), {{"\n", " "}}));
}

std::string Text(const MetricCurve& curve) {
  std::string text = absl::StrCat(curve.metric, ":");
  for (const CurvePoint& p : curve.points) absl::StrAppend(&text, " ", p.step, "=", Text(p.value), "/", p.elapsed_ms);
  return text;
}

std::string Text(const Store::TrialCurve& curve) {
  return Text(MetricCurve{absl::StrCat("trial ", curve.trial), curve.points});
}

std::string Text(const Checkpoint& c) {
  return (Line() << "checkpoint" << c.trial << c.token << c.step << c.sha256 << c.size_bytes).text();
}

std::string Text(const RungEntry& e) {
  return (Line() << "entry" << e.bracket << e.rung << e.trial << e.value << e.token << e.promoted).text();
}

std::string Text(const DecisionRecord& d) {
  return (Line() << "decision" << d.revision << d.trial << d.token << d.step << d.rule << d.rung << d.value << d.bound
                 << d.n << d.action)
      .text();
}

std::string Text(const EnqueuedConfiguration& e) { return absl::StrCat("enqueued ", e.id, " ", Text(e.fixed)); }

std::string Text(const WorkerRecord& w) {
  Line line;
  line << w.name << w.incarnation << w.host << w.slots << w.labels << w.option_table_hash << w.standing << w.reason
       << w.last_seen << w.trusted_from;
  for (const DeviceRecord& device : w.devices) line << "device" << device.kind << device.name << device.memory_bytes;
  for (const std::string& trainer : w.trainers) line << "trainer" << trainer;
  for (const std::string& dataset : w.datasets) line << "dataset" << dataset;
  return line.text();
}

std::string Text(const RequestRecord& r) {
  Line line;
  line << "request" << r.id << r.method << r.fingerprint << r.study << r.trial << r.position << r.at;
  for (const auto& [checkpoint, reason] : r.collected) line << Text(checkpoint) << reason;
  return line.text();
}

std::string Text(const StudyImage& image) {
  std::string text =
      absl::StrCat(Text(image.study), "\n", Text(image.trials), Text(image.rung_entries), Text(image.checkpoints),
                   Text(image.enqueued), "last enqueued ", image.last_enqueued_id, "\n", Text(image.live_attempts));
  for (const PriorTrial& prior : image.prior) {
    absl::StrAppend(&text, "prior ", prior.source, " ", Text(prior.score), " ", Text(prior.configuration), "\n");
  }
  for (const StudyImage::LiveMeasurements& live : image.live_measurements) {
    absl::StrAppend(&text, "live ", live.token, "\n", Text(live.measurements));
  }
  for (const StudyImage::FailedAttempt& failed : image.failed_attempts) {
    absl::StrAppend(&text, "failed ", failed.token, " ", failed.trial, " ", failed.worker, "\n");
  }
  for (const auto& [worker, token] : image.last_successes) {
    absl::StrAppend(&text, "success ", worker, " ", token, "\n");
  }
  return text;
}

}  // namespace athanor
