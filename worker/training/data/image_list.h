// Many image files read at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "worker/training/data/image_file.h"
#include "worker/training/data/raw_dataset.h"

namespace athanor::training {

// All files below the folder, in alphabetical order of their paths. What begins with a dot is passed over. Throws
// DataError if a folder cannot be read.
std::vector<std::filesystem::path> ListImages(const std::filesystem::path& folder);

// Decodes the files on `threads` threads, the caller's one of them, and resizes each to height x width; if these are 0
// all must be of the first one's size. Throws DataError or InfeasibleError about the first file that cannot be used.
// The heartbeat is called by the caller's thread.
std::vector<DecodedImage> ReadImages(std::span<const std::filesystem::path> files, int64_t height, int64_t width,
                                     int threads, const LoadingHeartbeat& heartbeat);

// uint8 [images, channels, H, W] of images of one size; empties them on the way. Gray becomes red, green and blue by
// repetition, those become gray by their luminance (ITU-R BT.601). channels: 1 or 3.
std::vector<uint8_t> StackImages(std::span<DecodedImage> images, int64_t channels);

}  // namespace athanor::training
