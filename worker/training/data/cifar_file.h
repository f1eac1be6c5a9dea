// Reads the binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html).
#pragma once

#include <cstdint>
#include <filesystem>

#include "worker/training/data/image_part.h"
#include "worker/training/data/raw_dataset.h"

namespace athanor::training {

inline constexpr ImageSize kCifarImage = {.channels = 3, .height = 32, .width = 32};

// A record is `label_bytes` labels, the last of which counts, and the image: 1024 red, 1024 green, 1024 blue bytes.
struct CifarVariant {
  const char* name;
  int64_t classes;
  size_t label_bytes;
};
inline constexpr CifarVariant kCifar10 = {"cifar10", 10, 1};
inline constexpr CifarVariant kCifar100 = {"cifar100", 100, 2};

// Adds the file's records to the part until that has `max_examples`; 0 = all. Images are resized to img_size; 0 = not.
// Throws DataError naming the byte if the file cannot be opened, is empty, ends inside a record or has a label out of
// range.
void ReadCifarFile(const std::filesystem::path& path, const CifarVariant& variant, int64_t max_examples,
                   int64_t img_size, RawPart& part, const LoadingHeartbeat& heartbeat);

}  // namespace athanor::training
