// Which devices this worker offers and which of them each slot trains on.
//
// The trainer's hello decides what can be used: a GPU that its LibTorch cannot see is of no use. Names and sizes come
// from nvidia-smi where it is installed; this process links no CUDA.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "athanor/v1/study_service.pb.h"

namespace athanor::session {

struct GpuInfo {
  std::string name;
  int64_t memory_bytes = 0;
};

// What the node has.
struct NodeHardware {
  int cores = 1;  // that this process may use
  std::string cpu_name;
  int64_t memory_bytes = 0;
  std::map<int, GpuInfo> gpus;  // by index; empty if unknown
};

// Reads /proc and runs nvidia-smi; blocks for up to some seconds. What cannot be found out is left empty.
NodeHardware InspectNode();

// The output of `nvidia-smi --query-gpu=index,name,memory.total --format=csv,noheader,nounits` (memory in MiB). Other
// lines are skipped.
std::map<int, GpuInfo> ParseGpuList(const std::string& text);

struct DevicePlan {
  std::vector<v1::Device> devices;        // to advertise
  std::vector<std::string> slot_devices;  // "cpu" or "cuda:N", one a slot
};

// `flag`: auto (every GPU that the trainer sees, else the CPU), cpu, or cuda:N. `slots`: as given, else one a core on
// the CPU and one a GPU; more slots than GPUs are spread evenly. INVALID_ARGUMENT if the flag is neither, or names a
// GPU that the trainer does not see.
absl::StatusOr<DevicePlan> PlanDevices(const std::string& flag, std::optional<int> slots,
                                       const std::vector<std::string>& trainer_devices, const NodeHardware& node);

// The data sets found on this node, by the names that the trainer's option `dataset` knows. Looks at files only.
std::vector<std::string> FindDatasets(const std::string& share_folder = "/usr/share/datasets");

}  // namespace athanor::session
