#include "server/search/warm_start.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "server/core/orientation.h"

namespace athanor {
namespace {

// Where the value of one of our parameters stands in an earlier study.
struct Origin {
  std::optional<size_t> parameter;
  std::optional<Value> fixed;
};

std::vector<Origin> FindOrigins(const SearchSpace& space, const EarlierStudy& source) {
  std::vector<Origin> origins;
  for (const Parameter& parameter : space.parameters()) {
    Origin origin{.parameter = source.space.IndexOf(parameter.name), .fixed = std::nullopt};
    const auto fixed = source.spec.trainer.find(parameter.name);
    if (!origin.parameter.has_value() && fixed != source.spec.trainer.end()) origin.fixed = fixed->second;
    origins.push_back(std::move(origin));
  }
  return origins;
}

// `configuration` of the source in our space; nothing if it does not lie there.
std::optional<Configuration> Map(const SearchSpace& space, const std::vector<Origin>& origins,
                                 const PackedConfiguration& configuration) {
  Configuration mapped(space.size());
  for (const size_t index : space.topological_order()) {
    if (!space.IsActive(index, mapped)) continue;
    const Origin& origin = origins[index];
    std::optional<Value> value = origin.parameter.has_value() ? configuration[*origin.parameter] : origin.fixed;
    if (!value.has_value()) return std::nullopt;
    const auto* integer = std::get_if<int64_t>(&*value);
    if (integer != nullptr && space.parameters()[index].type == ParameterType::kFloat) {
      value = static_cast<double>(*integer);
    }
    mapped[index] = std::move(value);
  }
  if (!space.Check(mapped).ok()) return std::nullopt;
  return mapped;
}

struct Candidate {
  PriorTrial trial;
  TrialNumber number = 0;
};

void AddCandidates(const SearchSpace& space, const EarlierStudy& source, int64_t position,
                   std::vector<Candidate>& candidates) {
  std::vector<std::pair<double, TrialNumber>> ranked;  // oriented
  for (const Trial& trial : source.trials) {
    if (!trial.best.has_value() || !std::isfinite(trial.best->value)) continue;
    ranked.emplace_back(Orient(source.spec.objective().goal, trial.best->value), trial.number);
  }
  std::ranges::sort(ranked);
  const std::vector<Origin> origins = FindOrigins(space, source);
  size_t better = 0;
  for (size_t i = 0; i < ranked.size(); ++i) {
    const auto [value, number] = ranked[i];
    if (i > 0 && ranked[i - 1].first < value) better = i;
    auto mapped = Map(space, origins, source.trials[static_cast<size_t>(number)].configuration);
    if (!mapped.has_value()) continue;
    const double score = static_cast<double>(better) / static_cast<double>(ranked.size());
    candidates.push_back({{*std::move(mapped), score, position}, number});
  }
}

}  // namespace

std::vector<PriorTrial> TakeOver(const SearchSpace& space, std::span<const EarlierStudy> sources) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < sources.size(); ++i) {
    AddCandidates(space, sources[i], static_cast<int64_t>(i), candidates);
  }
  if (candidates.size() > kMaxPriorTrials) {
    std::ranges::sort(candidates, {}, [](const Candidate& candidate) {
      return std::tuple(candidate.trial.score, -candidate.trial.source, -candidate.number);
    });
    candidates.resize(kMaxPriorTrials);
  }
  std::ranges::sort(candidates, {},
                    [](const Candidate& candidate) { return std::pair(candidate.trial.source, candidate.number); });
  std::vector<PriorTrial> taken;
  for (Candidate& candidate : candidates) taken.push_back(std::move(candidate.trial));
  return taken;
}

}  // namespace athanor
