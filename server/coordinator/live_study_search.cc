// How a study gets the configurations of its trials.
#include <utility>

#include "base/random.h"
#include "server/coordinator/live_study.h"

namespace athanor {
namespace {

// A training seed that the user fixed or tunes, if there is one.
std::optional<uint64_t> GivenSeed(const StudySpec& spec, const SearchSpace& space, const Configuration& configuration) {
  if (const auto fixed = spec.trainer.find("seed"); fixed != spec.trainer.end()) {
    return static_cast<uint64_t>(std::get<int64_t>(fixed->second));
  }
  const auto index = space.IndexOf("seed");
  if (!index.has_value() || !configuration[*index].has_value()) return std::nullopt;
  const auto* value = std::get_if<int64_t>(&*configuration[*index]);
  return value == nullptr ? std::nullopt : std::optional<uint64_t>(static_cast<uint64_t>(*value));
}

}  // namespace

SearchView LiveStudy::search_view() const {
  SearchView view;
  view.trials = trials_;
  view.goal = spec().objective().goal;
  if (!rungs_.empty()) view.ladder = &ladder_;
  view.rungs = rungs_;
  view.prior = prior_;
  return view;
}

std::optional<SuggestionRequest> LiveStudy::NextSuggestion() const {
  if (enqueued_.empty()) return SuggestionRequest{next_suggestion_, {}};
  const Configuration& fixed = enqueued_.front().fixed;
  if (space().Check(fixed).ok()) return std::nullopt;
  return SuggestionRequest{next_suggestion_, fixed};
}

SearchMethod::Work LiveStudy::PrepareSuggestion(const SuggestionRequest& request) const {
  return [searcher = searcher_, work = searcher_->method->Prepare(search_view(), request.index, request.fixed)] {
    return work();
  };
}

TrialNumber LiveStudy::CreateTrial(Transaction& tx, std::optional<Configuration> suggested) {
  const std::optional<SuggestionRequest> request = NextSuggestion();
  Trial trial;
  trial.number = static_cast<TrialNumber>(trials_.size());
  Configuration configuration;
  if (!request.has_value()) {
    configuration = enqueued_.front().fixed;
  } else {
    trial.suggestion_index = next_suggestion_++;
    configuration = suggested.has_value() ? *std::move(suggested)
                                          : searcher_->method->Suggest(search_view(), request->index, request->fixed);
  }
  trial.configuration = configuration;
  if (!enqueued_.empty()) {
    tx.changes.emplace_back(PopEnqueued{record_.id, enqueued_.front().id});
    enqueued_.pop_front();
  }
  trial.seed = GivenSeed(spec(), space(), configuration)
                   .value_or(HashWords({spec().search.seed, static_cast<uint64_t>(trial.number)}));
  if (rule_ != nullptr) trial.bracket = rule_->BracketOf(stopping_view(), trial.number);
  JoinLadder(trial);
  trial.created = tx.now.wall;
  tx.changes.emplace_back(InsertTrial{record_.id, trial});
  ++counts_[static_cast<size_t>(TrialState::kWaiting)];
  waiting_.insert(trial.number);
  trials_.push_back(std::move(trial));
  Touch(tx);
  return trials_.back().number;
}

}  // namespace athanor
