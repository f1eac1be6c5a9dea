#include "worker/training/data/cifar_file.h"

#include <fstream>
#include <string>
#include <vector>

#include "worker/training/data/open_file.h"
#include "worker/training/errors.h"

namespace athanor::training {

void ReadCifarFile(const std::filesystem::path& path, const CifarVariant& variant, int64_t max_examples,
                   int64_t img_size, RawPart& part, const LoadingHeartbeat& heartbeat) {
  std::ifstream in = OpenDataFile(path);
  ImagePartWriter writer(kCifarImage, img_size, part.pixels);
  std::vector<char> record(variant.label_bytes + static_cast<size_t>(kCifarImage.bytes()));
  for (int64_t i = 0; max_examples == 0 || part.count < max_examples; ++i) {
    const std::string at = path.string() + ": at byte " + std::to_string(i * std::ssize(record)) + ": ";
    in.read(record.data(), std::ssize(record));
    if (in.gcount() == 0 && in.eof()) {
      if (i == 0) throw DataError(at + "the file is empty");
      return;
    }
    if (in.gcount() < std::ssize(record)) {
      throw DataError(at + (in.eof() ? "truncated: a record has " + std::to_string(record.size()) +
                                           " bytes, the last one has " + std::to_string(in.gcount())
                                     : std::string("cannot read")));
    }
    const auto label = static_cast<uint8_t>(record[variant.label_bytes - 1]);
    if (label >= variant.classes) {
      throw DataError(at + "label " + std::to_string(label) + " is out of range; want less than " +
                      std::to_string(variant.classes) + "; is this the binary version of " + variant.name + "?");
    }
    part.classes.push_back(label);
    writer.Add(reinterpret_cast<const uint8_t*>(record.data()) + variant.label_bytes);
    ++part.count;
    if (i % kHeartbeatImages == 0) heartbeat();
  }
}

}  // namespace athanor::training
