#include "tests/bench/scale/fill.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/random.h"
#include "base/status.h"
#include "server/search/search_method.h"
#include "server/store/sqlite/sqlite_store.h"

namespace athanor::bench {
namespace {

constexpr StudyId kStudy = 1;
constexpr int64_t kTrialsAGroup = 2000;
constexpr int64_t kTrialsLeft = 100'000'000;
constexpr int64_t kNodes = 16;
constexpr WallTime kCreated{std::chrono::milliseconds(1'700'000'000'000)};
constexpr int64_t kStepMs = 1700;

Parameter Range(std::string name, ParameterType type, double min, double max, Scale scale = Scale::kLinear) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.type = type;
  parameter.min = min;
  parameter.max = max;
  parameter.scale = scale;
  return parameter;
}

StudySpec Spec(const FillOptions& options) {
  StudySpec spec;
  spec.name = kFilledStudy;
  spec.objectives = {{"val_accuracy", Goal::kMaximize}};
  Parameter batch = Range("batch_size", ParameterType::kCategorical, 0, 0);
  batch.values = {int64_t{32}, int64_t{64}, int64_t{128}, int64_t{256}};
  Parameter optimizer = Range("optimizer", ParameterType::kCategorical, 0, 0);
  optimizer.values = {std::string("sgd"), std::string("adam"), std::string("adamw")};
  spec.parameters = {Range("learning_rate", ParameterType::kFloat, 1e-4, 1, Scale::kLog),
                     batch,
                     Range("channels", ParameterType::kInt, 8, 64),
                     optimizer,
                     Range("weight_decay", ParameterType::kFloat, 1e-6, 1e-2, Scale::kLog),
                     Range("dropout", ParameterType::kFloat, 0, 0.5)};
  spec.search.method = "random";
  spec.search.seed = 1;
  spec.budget.trials = options.trials + kTrialsLeft;
  spec.trainer["epochs"] = std::max(options.steps, options.long_curve);
  return spec;
}

// Better with every step, with a little noise, towards a value of the trial's own.
double ValueAt(TrialNumber trial, int64_t step) {
  Random random({static_cast<uint64_t>(trial), static_cast<uint64_t>(step)});
  const double quality = 0.5 + 0.45 * Random({static_cast<uint64_t>(trial)}).Uniform();
  const auto trained = static_cast<double>(step);
  return quality * trained / (trained + 2) + 0.01 * random.Uniform();
}

class Filler {
 public:
  Filler(Store& store, const FillOptions& options, StudyRecord study, const SearchMethod& search)
      : store_(store), options_(options), study_(std::move(study)), search_(search) {}

  absl::Status Run() {
    ATHANOR_RETURN_IF_ERROR(store_.Commit({PutStudy{study_}}));
    ChangeBatch batch;
    for (TrialNumber number = 0; number < options_.trials; ++number) {
      AddTrial(number, batch);
      if ((number + 1) % kTrialsAGroup != 0 && number + 1 != options_.trials) continue;
      batch.push_back(PutStudy{study_});
      ATHANOR_RETURN_IF_ERROR(store_.Commit(batch));
      batch.clear();
    }
    return absl::OkStatus();
  }

 private:
  void AddTrial(TrialNumber number, ChangeBatch& batch) {
    Trial trial;
    trial.number = number;
    trial.state = TrialState::kCompleted;
    trial.configuration = search_.Suggest({}, number, {});
    trial.suggestion_index = number;
    trial.seed = HashWords({study_.spec.search.seed, static_cast<uint64_t>(number)});
    trial.attempts = 1;
    trial.created = trial.started = kCreated + std::chrono::milliseconds(number);
    Attempt attempt;
    attempt.token = number + 1;
    attempt.trial = number;
    attempt.worker = "node-" + std::to_string(number % kNodes);
    attempt.started = trial.started;
    attempt.outcome = AttemptOutcome::kCompleted;
    attempt.resumed_step = 0;
    attempt.environment = environment_;

    const int64_t steps = number == 0 ? options_.long_curve : options_.steps;
    ChangeBatch measurements;
    for (int64_t step = 1; step <= steps; ++step) {
      const ObjectiveValue value{ValueAt(number, step), step};
      if (!trial.best.has_value() || value.value > trial.best->value) trial.best = value;
      trial.final = value;
      measurements.push_back(
          AddMeasurement{kStudy, number, attempt.token, {step, step * kStepMs, {{"val_accuracy", value.value}}}});
    }
    trial.elapsed_ms = steps * kStepMs;
    trial.ended = attempt.ended = trial.started + std::chrono::milliseconds(trial.elapsed_ms);
    study_.revision += steps + 2;

    batch.push_back(InsertTrial{kStudy, std::move(trial)});
    batch.push_back(InsertAttempt{kStudy, std::move(attempt)});
    std::ranges::move(measurements, std::back_inserter(batch));
  }

  Store& store_;
  const FillOptions& options_;
  StudyRecord study_;
  const SearchMethod& search_;
  const std::shared_ptr<const Environment> environment_ =
      std::make_shared<const Environment>(Environment{"cpu", "0.1.0", "1.13.1", 1, "fashion-mnist"});
};

}  // namespace

absl::Status FillDatabase(const std::string& path, const FillOptions& options) {
  if (std::filesystem::exists(path)) return absl::AlreadyExistsError(path + " exists");
  StudyRecord study;
  study.id = kStudy;
  study.spec = Spec(options);
  ATHANOR_RETURN_IF_ERROR(Complete(study.spec));
  study.created = kCreated;
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(study.spec.parameters));
  ATHANOR_ASSIGN_OR_RETURN(const auto search, CreateSearchMethod(study.spec, space));
  const std::string unfinished = path + ".unfinished";  // what an interrupted run leaves is not taken for the whole
  std::filesystem::remove(unfinished);
  {
    ATHANOR_ASSIGN_OR_RETURN(const auto store, OpenSqliteStore({.path = unfinished}));
    ATHANOR_RETURN_IF_ERROR(Filler(*store, options, std::move(study), *search).Run());
  }
  std::filesystem::rename(unfinished, path);
  std::filesystem::remove(unfinished + ".lock");
  return absl::OkStatus();
}

}  // namespace athanor::bench
