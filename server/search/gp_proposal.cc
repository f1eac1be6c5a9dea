#include "server/search/gp_proposal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "server/search/acquisition.h"
#include "server/search/box_minimizer.h"
#include "server/search/completion.h"
#include "server/search/sobol_sequence.h"

namespace athanor {
namespace {

using Point = Encoding::Point;
using Kind = Encoding::Kind;

constexpr int kQuasiRandom = 256;
constexpr int kNearLeaders = 128;
constexpr size_t kRefined = 4;                        // candidates whose gradient is followed
constexpr int kGradients = 20;                        // for each of them
constexpr int kMoves = 4;                             // rounds of changes of one value
constexpr size_t kNeighboursAtMost = 128;             // a round
constexpr double kWidths[] = {0.3, 0.1, 0.03, 0.01};  // of moves away from a leader, in shares of the range

struct Candidate {
  Configuration configuration;
  Point dense;    // a coordinate for every parameter, active or not
  Point encoded;  // of the configuration
  double score = -std::numeric_limits<double>::infinity();
};

class Proposer {
 public:
  explicit Proposer(const GpProposalInputs& inputs)
      : in_(inputs), space_(inputs.encoding.space()), random_({inputs.seed}) {}

  std::optional<Configuration> Run() {
    std::vector<Candidate> candidates = Gather();
    Score(candidates);
    std::ranges::stable_sort(candidates, std::greater<>(), &Candidate::score);
    std::vector<Candidate> refined;
    for (size_t i = 0; i < std::min(kRefined, candidates.size()); ++i) refined.push_back(Refine(candidates[i]));
    Score(refined);
    refined.insert(refined.end(), candidates.begin(), candidates.end());
    Candidate best = *std::ranges::max_element(refined, {}, &Candidate::score);
    for (int move = 0; move < kMoves && Improve(best); ++move) {
    }
    if (!std::isfinite(best.score)) return std::nullopt;
    return std::move(best.configuration);
  }

 private:
  Candidate Complete(Point dense) const {
    const auto choose = [&](size_t parameter) { return in_.encoding.Decode(parameter, dense[parameter]); };
    const auto choose_among = [&](size_t parameter, const std::vector<Value>& allowed) {
      const auto share = Share(parameter, dense[parameter]);
      return allowed[std::min(static_cast<size_t>(share * static_cast<double>(allowed.size())), allowed.size() - 1)];
    };
    Candidate candidate;
    candidate.configuration = CompleteConfiguration(space_, in_.fixed, choose, choose_among);
    candidate.encoded = in_.encoding.Encode(candidate.configuration);
    candidate.dense = std::move(dense);
    for (size_t i = 0; i < candidate.dense.size(); ++i) {
      if (!std::isnan(candidate.encoded[i])) candidate.dense[i] = candidate.encoded[i];
    }
    return candidate;
  }

  // Between a parameter's coordinate and a share of [0, 1].
  double Share(size_t parameter, double coordinate) const {
    const Encoding::Dimension& dimension = in_.encoding.dimension(parameter);
    return dimension.kind == Kind::kCategory ? (coordinate + 0.5) / static_cast<double>(dimension.count) : coordinate;
  }
  double AtShare(size_t parameter, double share) const {
    const Encoding::Dimension& dimension = in_.encoding.dimension(parameter);
    return dimension.kind == Kind::kCategory ? std::floor(share * static_cast<double>(dimension.count)) : share;
  }

  std::vector<Candidate> Gather() {
    std::vector<Candidate> candidates;
    const auto sequence = SobolSequence::Create(static_cast<int64_t>(space_.size()));
    for (int64_t i = 0; i < kQuasiRandom; ++i) {
      Point dense(space_.size());
      for (size_t p = 0; p < dense.size(); ++p) {
        const double share = sequence.ok() ? sequence->ScrambledAt(static_cast<int64_t>(p), i, HashWords({in_.seed, p}))
                                           : random_.Uniform();
        dense[p] = AtShare(p, share);
      }
      candidates.push_back(Complete(std::move(dense)));
    }
    for (size_t i = 0; i < kNearLeaders && !in_.leaders.empty(); ++i) {
      candidates.push_back(Complete(Near(in_.leaders[i % in_.leaders.size()])));
    }
    return candidates;
  }

  // A leader with about two parameters changed, or all of them a little.
  Point Near(const Point& leader) {
    const double width = kWidths[random_.Below(std::size(kWidths))];
    const double changed = random_.Below(2) == 0 ? 1.0 : std::min(1.0, 2.0 / static_cast<double>(leader.size()));
    Point near = leader;
    for (size_t p = 0; p < near.size(); ++p) {
      const double uniform = random_.Uniform(), normal = random_.Normal(), coin = random_.Uniform();
      const bool category = in_.encoding.dimension(p).kind == Kind::kCategory;
      if (std::isnan(leader[p]) || (category && coin < changed * width)) {
        near[p] = AtShare(p, uniform);
      } else if (!category && coin < changed) {
        near[p] = std::clamp(leader[p] + width * normal, 0.0, 1.0);
      }
    }
    return near;
  }

  void Score(std::vector<Candidate>& candidates) const {
    std::vector<double> points;
    for (const Candidate& candidate : candidates) in_.features.Append(candidate.encoded, points);
    const std::vector<Prediction> predictions = in_.model.Predict(points);
    for (size_t i = 0; i < candidates.size(); ++i) {
      const auto& [mean, variance] = predictions[i];
      if (in_.taken.Contains(candidates[i].configuration)) continue;
      candidates[i].score = LogExpectedImprovementBelow(in_.best, mean, std::sqrt(variance)).value;
    }
  }

  // Follows the gradient over the numbers that are active and not given; the end is rounded onto its grids.
  Candidate Refine(const Candidate& from) const {
    std::vector<size_t> free;
    for (size_t p = 0; p < space_.size(); ++p) {
      const bool given = !in_.fixed.empty() && in_.fixed[p];
      if (in_.features.NumberAt(p) && !std::isnan(from.encoded[p]) && !given) free.push_back(p);
    }
    if (free.empty()) return from;
    std::vector<double> at, start;
    in_.features.Append(from.encoded, at);
    for (const size_t p : free) start.push_back(from.encoded[p]);
    const auto negative = [&](std::span<const double> x, std::span<double> gradient) {
      for (size_t i = 0; i < free.size(); ++i) at[*in_.features.NumberAt(free[i])] = x[i];
      const PredictionWithGradient seen = in_.model.PredictWithGradient(at);
      const double deviation = std::sqrt(seen.variance);
      const LogExpectedImprovement gain = LogExpectedImprovementBelow(in_.best, seen.mean, deviation);
      for (size_t i = 0; i < free.size(); ++i) {
        const size_t c = *in_.features.NumberAt(free[i]);
        gradient[i] =
            -gain.by_mean * seen.mean_gradient[c] - gain.by_deviation * seen.variance_gradient[c] / (2 * deviation);
      }
      return -gain.value;
    };
    const std::vector<double> zeros(free.size(), 0.0), ones(free.size(), 1.0);
    const BoxMinimum end = MinimizeInBox(negative, start, {.lower = zeros, .upper = ones}, kGradients);
    Point dense = from.dense;
    for (size_t i = 0; i < free.size(); ++i) dense[free[i]] = end.x[i];
    return Complete(std::move(dense));
  }

  // Moves to the best of the configurations that differ in one category or one place on a grid; false if none is
  // better.
  bool Improve(Candidate& best) const {
    std::vector<Candidate> neighbours;
    const auto add = [&](size_t parameter, double coordinate) {
      if (neighbours.size() >= kNeighboursAtMost) return;
      Point dense = best.dense;
      dense[parameter] = coordinate;
      neighbours.push_back(Complete(std::move(dense)));
    };
    for (size_t p = 0; p < space_.size(); ++p) {
      const Encoding::Dimension& dimension = in_.encoding.dimension(p);
      if (std::isnan(best.encoded[p]) || (!in_.fixed.empty() && in_.fixed[p])) continue;
      if (dimension.kind == Kind::kCategory) {
        for (int64_t k = 0; k < dimension.count; ++k) add(p, static_cast<double>(k));
      } else if (dimension.kind == Kind::kGrid) {
        const Encoding::Cell cell = in_.encoding.CellOf(p, best.encoded[p]);
        const double width = cell.upper - cell.lower;
        add(p, cell.lower - 0.25 * width);
        add(p, cell.upper + 0.25 * width);
      }
    }
    if (neighbours.empty()) return false;
    Score(neighbours);
    Candidate& found = *std::ranges::max_element(neighbours, {}, &Candidate::score);
    if (!(found.score > best.score)) return false;
    best = std::move(found);
    return true;
  }

  const GpProposalInputs& in_;
  const SearchSpace& space_;
  Random random_;
};

}  // namespace

std::optional<Configuration> ProposeByExpectedImprovement(const GpProposalInputs& inputs) {
  return Proposer(inputs).Run();
}

}  // namespace athanor
