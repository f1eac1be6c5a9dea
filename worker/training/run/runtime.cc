#include "worker/training/run/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <sstream>

namespace athanor::training {
namespace {

// BLAS implementations have the same interface; only their own extra functions tell them apart.
template <typename Function>
Function* Lookup(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

constexpr char kReference[] = "reference";

}  // namespace

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
