#include "worker/session/devices.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace athanor::session {
namespace {

constexpr char kGpuQuery[] = "nvidia-smi --query-gpu=index,name,memory.total --format=csv,noheader,nounits 2>/dev/null";

std::string CpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, "model name")) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(line.find(':') + 1)));
  }
  return "";
}

std::string OutputOf(const char* command) {
  std::string output;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command, "re"), &pclose);
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (const size_t bytes = std::fread(buffer, 1, sizeof buffer, pipe.get())) output.append(buffer, bytes);
  return output;
}

// The index of "cuda:N".
std::optional<int> GpuIndex(absl::string_view device) {
  int index = 0;
  if (!absl::ConsumePrefix(&device, "cuda:") || !absl::SimpleAtoi(device, &index) || index < 0) return std::nullopt;
  return index;
}

v1::Device Gpu(int index, const NodeHardware& node) {
  v1::Device device;
  device.set_kind("cuda");
  if (const auto found = node.gpus.find(index); found != node.gpus.end()) {
    device.set_name(found->second.name);
    device.set_memory_bytes(found->second.memory_bytes);
  }
  return device;
}

v1::Device Cpu(const NodeHardware& node) {
  v1::Device device;
  device.set_kind("cpu");
  device.set_name(node.cpu_name);
  device.set_memory_bytes(node.memory_bytes);
  return device;
}

}  // namespace

NodeHardware InspectNode() {
  NodeHardware node;
  node.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  node.cpu_name = CpuName();
  struct sysinfo info {};
  if (sysinfo(&info) == 0) node.memory_bytes = static_cast<int64_t>(info.totalram) * info.mem_unit;
  node.gpus = ParseGpuList(OutputOf(kGpuQuery));
  return node;
}

std::map<int, GpuInfo> ParseGpuList(const std::string& text) {
  std::map<int, GpuInfo> gpus;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
    int index = 0;
    int64_t mebibytes = 0;
    if (fields.size() != 3 || !absl::SimpleAtoi(fields[0], &index) || !absl::SimpleAtoi(fields[2], &mebibytes))
      continue;
    gpus[index] = {.name = std::string(absl::StripAsciiWhitespace(fields[1])), .memory_bytes = mebibytes << 20};
  }
  return gpus;
}

absl::StatusOr<DevicePlan> PlanDevices(const std::string& flag, std::optional<int> slots,
                                       const std::vector<std::string>& trainer_devices, const NodeHardware& node) {
  std::vector<int> gpus;
  for (const std::string& device : trainer_devices) {
    if (const auto index = GpuIndex(device)) gpus.push_back(*index);
  }
  if (const auto wanted = GpuIndex(flag)) {
    if (std::ranges::find(gpus, *wanted) == gpus.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--device ", flag, ": the trainer sees only ", absl::StrJoin(trainer_devices, ", ")));
    }
    gpus = {*wanted};
  } else if (flag == "cpu") {
    gpus.clear();
  } else if (flag != "auto") {
    return absl::InvalidArgumentError(absl::StrCat("--device ", flag, ": want auto, cpu or cuda:N"));
  }
  DevicePlan plan;
  if (gpus.empty()) {
    plan.devices.push_back(Cpu(node));
    plan.slot_devices.assign(slots.value_or(node.cores), "cpu");
    return plan;
  }
  for (const int gpu : gpus) plan.devices.push_back(Gpu(gpu, node));
  const int count = slots.value_or(static_cast<int>(gpus.size()));
  for (int slot = 0; slot < count; ++slot) plan.slot_devices.push_back(absl::StrCat("cuda:", gpus[slot % gpus.size()]));
  return plan;
}

std::vector<std::string> FindDatasets(const std::string& share_folder) {
  const std::filesystem::path folder = std::filesystem::path(share_folder) / "fashion-mnist";
  for (const char* name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / name, ignored) &&
        !std::filesystem::exists(folder / absl::StrCat(name, ".gz"), ignored)) {
      return {};
    }
  }
  return {"fashion-mnist"};
}

}  // namespace athanor::session
