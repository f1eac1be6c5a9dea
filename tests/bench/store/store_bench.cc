// How fast the SQLite store commits, and how large it gets. On a disk: set TMPDIR to one, a tmpfs has no fsync to wait
// for.
//
//   CommitsOneByOne     durable commits of one measurement each
//   MeasurementGroups   measurements of 1 or 3 metrics, so many a commit, from 64 attempts in turn
//   ReportGroups        what a report commits: a measurement, its trial and its study, so many reports a commit
//   BytesPerValue       size of the closed database a metric value, for short and for long curves
//   Open                opening (with its check of every page) a database of so many thousand values
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "server/store/sqlite/sqlite_store.h"
#include "tests/testing/study_specs.h"

namespace athanor {
namespace {

constexpr int64_t kAttempts = 64;  // live at once
const char* const kMetrics[] = {"train_loss", "val_loss", "val_accuracy"};

class Fixture {
 public:
  Fixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "athanor_bench_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    directory_ = pattern;
    Open();
    study_.id = 1;
    study_.spec = SmallStudySpec("bench");
    Commit({PutStudy{study_}});
  }
  ~Fixture() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    auto opened = OpenSqliteStore({.path = path()});
    if (!opened.ok()) std::abort();
    store_ = *std::move(opened);
  }
  void Close() { store_.reset(); }
  std::string path() const { return (directory_ / "bench.db").string(); }

  void Commit(const ChangeBatch& batch) {
    if (!store_->Commit(batch).ok()) std::abort();
  }

  // New trials with a live attempt each, in place of those before.
  void StartAttempts() {
    ChangeBatch batch;
    for (int64_t i = 0; i < kAttempts; ++i) {
      ++newest_;
      Trial trial;
      trial.number = newest_ - 1;
      trial.configuration = Configuration{Value(0.5)};
      Attempt attempt;
      attempt.token = newest_;
      attempt.trial = trial.number;
      attempt.worker = "node-0";
      batch.push_back(InsertTrial{1, trial});
      batch.push_back(InsertAttempt{1, attempt});
    }
    Commit(batch);
    measurements_ = 0;
  }

  // The next measurement of the next attempt.
  AddMeasurement NextMeasurement(int64_t metrics) {
    const Token token = newest_ - kAttempts + 1 + measurements_ % kAttempts;
    const int64_t step = 1 + measurements_ / kAttempts;
    ++measurements_;
    AddMeasurement add{1, token - 1, token, {step, 1700 * step, {}}};
    for (int64_t i = 0; i < metrics; ++i) {
      add.measurement.metrics.push_back({kMetrics[i], 1.0 / static_cast<double>(step + i + token)});
    }
    return add;
  }

  Change NextTrialUpdate(TrialNumber number, double value, int64_t step) {
    Trial trial;
    trial.number = number;
    trial.state = TrialState::kRunning;
    trial.best = trial.final = ObjectiveValue{value, step};
    trial.attempts = 1;
    return UpdateTrial{1, trial};
  }

  Change NextStudyUpdate() {
    ++study_.revision;
    return PutStudy{study_};
  }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  StudyRecord study_;
  Token newest_ = 0;
  int64_t measurements_ = 0;
};

void CommitsOneByOne(benchmark::State& state) {
  Fixture fixture;
  fixture.StartAttempts();
  for (auto _ : state) fixture.Commit({fixture.NextMeasurement(1)});
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CommitsOneByOne)->UseRealTime();

void MeasurementGroups(benchmark::State& state) {
  const int64_t group = state.range(0);
  const int64_t metrics = state.range(1);
  Fixture fixture;
  fixture.StartAttempts();
  for (auto _ : state) {
    state.PauseTiming();
    ChangeBatch batch;
    for (int64_t i = 0; i < group; ++i) batch.push_back(fixture.NextMeasurement(metrics));
    state.ResumeTiming();
    fixture.Commit(batch);
  }
  state.SetItemsProcessed(state.iterations() * group);
  state.counters["values/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * group * metrics), benchmark::Counter::kIsRate);
}
BENCHMARK(MeasurementGroups)->ArgNames({"group", "metrics"})->ArgsProduct({{100, 1000}, {1, 3}})->UseRealTime();

void ReportGroups(benchmark::State& state) {
  const int64_t group = state.range(0);
  Fixture fixture;
  fixture.StartAttempts();
  for (auto _ : state) {
    state.PauseTiming();
    ChangeBatch batch;
    for (int64_t i = 0; i < group; ++i) {
      AddMeasurement add = fixture.NextMeasurement(1);
      const Change update = fixture.NextTrialUpdate(add.trial, add.measurement.metrics[0].value, add.measurement.step);
      batch.push_back(std::move(add));
      batch.push_back(update);
      batch.push_back(fixture.NextStudyUpdate());
    }
    state.ResumeTiming();
    fixture.Commit(batch);
  }
  state.SetItemsProcessed(state.iterations() * group);
}
BENCHMARK(ReportGroups)->ArgName("group")->Arg(100)->Arg(1000)->UseRealTime();

// `values` metric values in curves of `steps` steps.
void Fill(Fixture& fixture, int64_t steps, int64_t metrics, int64_t values) {
  for (int64_t written = 0; written < values; written += kAttempts * steps * metrics) {
    fixture.StartAttempts();
    for (int64_t i = 0; i < steps; ++i) {
      ChangeBatch batch;
      for (int64_t j = 0; j < kAttempts; ++j) batch.push_back(fixture.NextMeasurement(metrics));
      fixture.Commit(batch);
    }
  }
}

void BytesPerValue(benchmark::State& state) {
  const int64_t steps = state.range(0);
  const int64_t metrics = state.range(1);
  constexpr int64_t kRounds = 5;
  for (auto _ : state) {
    Fixture fixture;
    fixture.Close();
    const auto empty = static_cast<double>(std::filesystem::file_size(fixture.path()));
    fixture.Open();
    const int64_t values = kRounds * kAttempts * steps * metrics;
    Fill(fixture, steps, metrics, values);
    fixture.Close();
    const auto bytes = static_cast<double>(std::filesystem::file_size(fixture.path()));
    state.counters["bytes/value"] = (bytes - empty) / static_cast<double>(values);
  }
}
BENCHMARK(BytesPerValue)
    ->ArgNames({"steps", "metrics"})
    ->ArgsProduct({{30, 1000}, {1, 3}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void Open(benchmark::State& state) {
  Fixture fixture;
  Fill(fixture, 1000, 1, state.range(0) * 1000);
  for (auto _ : state) {
    fixture.Close();
    fixture.Open();
  }
}
BENCHMARK(Open)->ArgName("thousand_values")->Arg(64)->Arg(1024)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace athanor
