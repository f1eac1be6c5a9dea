// Search over the rows of a recorded table: the suggestions of a method, each answered by a row.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/search/search_method.h"
#include "server/simulate/recorded_task.h"

namespace athanor {

// Which row each suggestion of one study was answered by. Not thread-safe.
class RowsTaken {
 public:
  explicit RowsTaken(size_t rows) : taken_(rows, false) {}

  // Of a suggestion that was made.
  int64_t Of(int64_t suggestion) const { return by_suggestion_[static_cast<size_t>(suggestion)]; }
  int64_t suggestions() const { return static_cast<int64_t>(by_suggestion_.size()); }
  bool IsTaken(size_t row) const { return taken_[row]; }
  // By the next suggestion.
  void Take(int64_t row) {
    by_suggestion_.push_back(row);
    taken_[static_cast<size_t>(row)] = true;
  }

 private:
  std::vector<int64_t> by_suggestion_;
  std::vector<bool> taken_;
};

// The trial takes the row's parameters, so the method learns from what was really run.
//  * `random` draws rows without replacement: suggestion i is row i of a seeded permutation.
//  * Any other method: the nearest row that no suggestion took, by the sum of squared differences of coordinates
//    (RecordedTask::PointOf); categories that differ count 1, and so does a parameter that is active in one of the two
//    only. Ties go to the lower row.
// A suggestion costs what the method takes and O(rows * parameters). Never slow in the sense of IsSlow: virtual time
// stands still while a method thinks.
//
// Suggestions must be asked for in order, 0, 1, ..., each once, no more than there are rows. Not thread-safe.
class TableSearch final : public SearchMethod {
 public:
  // `task`, `space` and `rows` must outlive it. As CreateSearchMethod.
  static absl::StatusOr<std::unique_ptr<SearchMethod>> Create(const RecordedTask& task, const StudySpec& spec,
                                                              const SearchSpace& space, RowsTaken& rows);

  std::string_view name() const override { return method_->name(); }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  enum class Draw { kPermuted, kNearest };
  TableSearch(const RecordedTask& task, std::unique_ptr<SearchMethod> method, Draw draw, uint64_t seed, RowsTaken& rows)
      : task_(task), method_(std::move(method)), draw_(draw), seed_(seed), rows_(rows) {}

  int64_t Nearest(const Configuration& configuration) const;

  const RecordedTask& task_;
  const std::unique_ptr<SearchMethod> method_;
  const Draw draw_;
  const uint64_t seed_;
  RowsTaken& rows_;
};

}  // namespace athanor
