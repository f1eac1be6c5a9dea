#include "worker/training/run/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/cuda.h>
#include <torch/version.h>

#ifdef ATHANOR_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace athanor::training {
namespace {

// BLAS implementations have the same interface; only their own extra functions tell them apart.
template <typename Function>
Function* Lookup(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

constexpr char kReference[] = "reference";

}  // namespace

bool IsOutOfMemory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  return std::string_view(error.what_without_backtrace()).find("DefaultCPUAllocator") != std::string_view::npos;
}

std::string LibtorchVersion() { return TORCH_VERSION; }

std::string BlasName() {
  if (at::hasMKL()) return "MKL";
  if (auto* config = Lookup<char*()>("openblas_get_config")) {
    std::istringstream words(config());  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
    std::string name, version;
    words >> name >> version;
    return name + " " + version;
  }
  if (auto* version = Lookup<const char*()>("bli_info_get_version_str")) return std::string("BLIS ") + version();
  if (Lookup<void()>("ATL_buildinfo") != nullptr) return "ATLAS";
  return kReference;
}

at::Device FindDevice(const std::string& name) {
  const std::vector<std::string> devices = Devices();
  if (std::ranges::find(devices, name) == devices.end()) {
    std::string known;
    for (const std::string& device : devices) known += (known.empty() ? "" : ", ") + device;
    throw std::runtime_error("device " + name + " does not exist here; there are: " + known);
  }
  return at::Device(name);
}

int64_t MemoryBytes([[maybe_unused]] const at::Device& device) {
#ifdef ATHANOR_CUDA
  if (device.is_cuda()) {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
    const int64_t peak = stats.allocated_bytes[0].peak;  // of all kinds of block together
    c10::cuda::CUDACachingAllocator::resetPeakStats(device.index());
    return peak;
  }
#endif
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

bool IsOptimisedBlas(const std::string& blas) { return blas != kReference; }

std::vector<std::string> Devices() {
  std::vector<std::string> devices = {"cpu"};
  for (size_t i = 0; i < torch::cuda::device_count(); ++i) devices.push_back("cuda:" + std::to_string(i));
  return devices;
}

void UseThreads(int threads) {
  at::set_num_threads(threads);
  // OpenBLAS built on its own threads does not follow OpenMP's setting.
  if (auto* set = Lookup<void(int)>("openblas_set_num_threads")) set(threads);
}

void KeepFreedMemory() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace athanor::training
