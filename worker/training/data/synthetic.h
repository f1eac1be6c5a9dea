// What the generated data sets share: examples that are a function of split_seed and of how many are asked for.
// source.h says what each looks like.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "worker/training/data/source.h"

namespace athanor::training {

// Appends one example to the part: its pixels, or numbers and categories, and its class or targets, as the `empty` data
// set beside it describes them; not its count. All its randomness is drawn from `random`.
using ExampleMaker = std::function<void(Random& random, RawPart& part)>;

// A source without files: `empty` has sizes, columns and names but no example; `make` draws one after another from the
// generator of (name, split_seed, part), so that fewer examples are the first of more, and the test part does not
// depend on the training part. There are kSyntheticTrain and kSyntheticTest, or max_train_examples and
// max_test_examples if these are fewer and not 0; no validation part. Read throws nothing, and calls the heartbeat
// after every example.
//
// Immutable; any number of threads.
class SyntheticSource final : public Source {
 public:
  SyntheticSource(std::string_view name, const DataOptions& options, RawDataset empty, ExampleMaker make)
      : seed_(HashWords({HashString(name), options.split_seed})),
        train_count_(Limited(kSyntheticTrain, options.max_train_examples)),
        test_count_(Limited(kSyntheticTest, options.max_test_examples)),
        empty_(std::move(empty)),
        make_(std::move(make)) {}

  const std::vector<std::filesystem::path>& Files() const override { return no_files_; }

  RawDataset Read(int /*threads*/, const LoadingHeartbeat& heartbeat) const override {
    RawDataset raw = empty_;
    Fill(raw.train, "train", train_count_, heartbeat);
    Fill(raw.test, "test", test_count_, heartbeat);
    return raw;
  }

 private:
  static int64_t Limited(int64_t count, int64_t limit) { return limit > 0 && limit < count ? limit : count; }

  void Fill(RawPart& part, std::string_view name, int64_t count, const LoadingHeartbeat& heartbeat) const {
    Random random({seed_, HashString(name)});
    for (; part.count < count; ++part.count) {
      make_(random, part);
      heartbeat();
    }
  }

  uint64_t seed_;
  int64_t train_count_;
  int64_t test_count_;
  RawDataset empty_;
  ExampleMaker make_;
  std::vector<std::filesystem::path> no_files_;
};

// Height and width of generated images, in pixels: img_size, or 32 if that is 0.
inline int64_t SyntheticSide(const DataOptions& options) { return options.img_size > 0 ? options.img_size : 32; }

// A uniform draw in [low, high); one draw of `random`.
inline double Between(Random& random, double low, double high) { return low + (high - low) * random.Uniform(); }

}  // namespace athanor::training
