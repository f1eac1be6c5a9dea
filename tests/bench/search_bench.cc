// What deciding costs: suggestions, counting a grid, and one decision or promotion at a rung that already holds many
// values.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "server/search/search_method.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {
namespace {

// Eight parameters, two of them conditional; `points` for floats makes it a grid.
std::vector<Parameter> EightParameters() {
  using enum ParameterType;
  const std::vector<Value> optimizers = {std::string("sgd"), std::string("adam"), std::string("adamw")};
  return {
      {.name = "learning_rate", .type = kFloat, .min = 1e-4, .max = 1, .scale = Scale::kLog, .points = 9},
      {.name = "weight_decay", .type = kFloat, .min = 1e-6, .max = 1e-2, .scale = Scale::kLog, .points = 5},
      {.name = "dropout", .type = kFloat, .min = 0, .max = 0.5, .points = 6},
      {.name = "channels", .type = kInt, .min = 8, .max = 64, .step = 8},
      {.name = "hidden_units", .type = kInt, .min = 32, .max = 512, .scale = Scale::kLog},
      {.name = "optimizer", .type = kCategorical, .values = optimizers},
      {.name = "momentum",
       .type = kFloat,
       .min = 0,
       .max = 0.99,
       .points = 4,
       .when = {{"optimizer", {optimizers[0]}}}},
      {.name = "beta1",
       .type = kFloat,
       .min = 0.8,
       .max = 0.99,
       .points = 4,
       .when = {{"optimizer", {optimizers[1], optimizers[2]}}}},
  };
}

void Suggest(benchmark::State& state, const char* name) {
  const SearchSpace space = SearchSpace::Create(EightParameters()).value();
  StudySpec spec;
  spec.search = {.method = name, .seed = 1};
  const auto method = CreateSearchMethod(spec, space).value();
  int64_t index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(method->Suggest({}, index++, {}));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Suggest, grid, "grid");
BENCHMARK_CAPTURE(Suggest, random, "random");
BENCHMARK_CAPTURE(Suggest, sobol, "sobol");

std::vector<Parameter> TenFloats() {
  std::vector<Parameter> parameters;
  for (int i = 0; i < 10; ++i) {
    parameters.push_back({.name = std::string(1, static_cast<char>('a' + i)), .min = -5, .max = 5});
  }
  return parameters;
}

// Five floats, three ints and two categories.
std::vector<Parameter> TenOfAllTypes() {
  std::vector<Parameter> parameters = TenFloats();
  for (int i = 5; i < 8; ++i) parameters[static_cast<size_t>(i)].type = ParameterType::kInt;
  parameters[7].min = 1;
  parameters[7].max = 1024;
  parameters[7].scale = Scale::kLog;
  for (int i = 8; i < 10; ++i) {
    parameters[static_cast<size_t>(i)] = {.name = std::string(1, static_cast<char>('a' + i)),
                                          .type = ParameterType::kCategorical,
                                          .values = {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}}};
  }
  return parameters;
}

// The next suggestion of a model after so many random trials.
void SuggestByModel(benchmark::State& state, const char* name, std::vector<Parameter> parameters) {
  const SearchSpace space = SearchSpace::Create(std::move(parameters)).value();
  StudySpec spec;
  spec.search = {.method = "random", .seed = 1};
  const auto configurations = CreateSearchMethod(spec, space).value();
  spec.search.method = name;
  spec.search.random_share = 0;
  const auto method = CreateSearchMethod(spec, space).value();
  std::vector<Trial> trials(static_cast<size_t>(state.range(0)));
  Random random(1);
  for (size_t i = 0; i < trials.size(); ++i) {
    trials[i].number = static_cast<TrialNumber>(i);
    trials[i].state = TrialState::kCompleted;
    trials[i].configuration = configurations->Suggest({}, trials[i].number, {});
    double value = random.Normal();
    for (const auto& chosen : trials[i].configuration.Unpack()) {
      if (const auto* x = std::get_if<double>(&*chosen)) value += *x * *x;
    }
    trials[i].best = {.value = value, .step = 1};
  }
  int64_t index = state.range(0);
  for (auto _ : state) benchmark::DoNotOptimize(method->Suggest({.trials = trials}, index++, {}));
}
BENCHMARK_CAPTURE(SuggestByModel, gp, "gp", TenFloats())->Arg(100)->Arg(300)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(SuggestByModel, tpe, "tpe", TenFloats())->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(SuggestByModel, tpe_of_all_types, "tpe", TenOfAllTypes())
    ->Arg(1'000)
    ->Arg(10'000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(SuggestByModel, cmaes, "cmaes", TenFloats())->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);

void CreateSpace(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(SearchSpace::Create(EightParameters()));
}
BENCHMARK(CreateSpace)->Unit(benchmark::kMicrosecond);

// A ladder whose lowest rung holds `entries` values, all waiting where the rule pauses.
struct FullRung {
  explicit FullRung(int64_t entries) {
    Random random(1);
    for (TrialNumber trial = 0; trial < entries; ++trial) {
      ladder.Enter({.trial = trial, .value = random.Uniform()});
      ladder.Wait(0, 0, trial);
    }
  }
  StoppingView view() const { return {ladder, history}; }

  Ladder ladder;
  CompletedHistory history;
};

template <typename Options>
std::unique_ptr<StoppingRule> Rule() {
  StudySpec spec;
  Options options;
  options.max_resource = 81;
  spec.early_stopping = options;
  return CreateStoppingRule(spec).value();
}

template <typename Options>
void DecideAtRung(benchmark::State& state) {
  const FullRung full(state.range(0));
  const auto rule = Rule<Options>();
  Random random(2);
  TrialValue value = {.trial = state.range(0), .step = 1};
  for (auto _ : state) {
    value.value = value.best = random.Uniform();
    benchmark::DoNotOptimize(rule->OnValue(full.view(), value));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(DecideAtRung<AshaPromotion>)->Arg(100)->Arg(100'000);
BENCHMARK(DecideAtRung<AshaStopping>)->Arg(100)->Arg(100'000);

void Promote(benchmark::State& state) {
  const FullRung full(state.range(0));
  const auto rule = Rule<AshaPromotion>();
  for (auto _ : state) benchmark::DoNotOptimize(rule->NextPromotion(full.view()));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Promote)->Arg(100)->Arg(100'000);

// Everything that one value costs at a growing rung: decide, enter, wait, promote.
void FillRung(benchmark::State& state) {
  const auto rule = Rule<AshaPromotion>();
  for (auto _ : state) {
    FullRung rung(0);
    Random random(3);
    for (TrialNumber trial = 0; trial < state.range(0); ++trial) {
      const double value = random.Uniform();
      const StoppingDecision decision =
          rule->OnValue(rung.view(), {.trial = trial, .step = 1, .value = value, .best = value});
      for (const EnteredRung& entered : decision.entered)
        rung.ladder.Enter({.rung = entered.rung, .trial = trial, .value = entered.value});
      rung.ladder.Wait(0, 0, trial);
      if (const auto promotion = rule->NextPromotion(rung.view()))
        rung.ladder.StopWaiting(0, promotion->from_rung, promotion->trial);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(FillRung)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace athanor
