#include <string>

#include "worker/training/data/synthetic.h"

namespace athanor::training {
namespace {

constexpr int64_t kChannels = 3;
constexpr const char* kChannelNames[kChannels] = {"red", "green", "blue"};
constexpr int64_t kQuarters = 4;
constexpr const char* kQuarterNames[kQuarters] = {"upper left", "upper right", "lower left", "lower right"};

// Bright pixels are drawn from [0, 255], others from [0, 159]: no pixel alone tells, a quarter does.
constexpr uint64_t kBright = 256;
constexpr uint64_t kDark = 160;

void MakeImage(int64_t side, Random& random, RawPart& part) {
  const auto label = static_cast<int64_t>(random.Below(kChannels * kQuarters));
  part.classes.push_back(label);
  for (int64_t channel = 0; channel < kChannels; ++channel) {
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        const int64_t quarter = 2 * (2 * y / side) + 2 * x / side;
        const bool bright = label == kQuarters * channel + quarter;
        part.pixels.push_back(static_cast<uint8_t>(random.Below(bright ? kBright : kDark)));
      }
    }
  }
}

}  // namespace

std::unique_ptr<Source> MakeSyntheticImages(const DataOptions& options) {
  const int64_t side = SyntheticSide(options);
  RawDataset empty;
  empty.channels = kChannels;
  empty.height = side;
  empty.width = side;
  for (const char* channel : kChannelNames) {
    for (const char* quarter : kQuarterNames) empty.classes.push_back(std::string(quarter) + " " + channel);
  }
  return std::make_unique<SyntheticSource>("synthetic images", options, std::move(empty),
                                           [side](Random& random, RawPart& part) { MakeImage(side, random, part); });
}

}  // namespace athanor::training
