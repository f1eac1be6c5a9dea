// What this process trains with: library, BLAS, devices, threads.
#pragma once

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <string>
#include <vector>

namespace athanor::training {

// "1.13.0"
std::string LibtorchVersion();

// The library behind dense matrix products on the CPU: "OpenBLAS 0.3.21", "MKL", "BLIS 0.9.0", "ATLAS", or "reference",
// which is several times slower than the others.
std::string BlasName();

// False for "reference": worth a warning. `blas` as BlasName() gives it.
bool IsOptimisedBlas(const std::string& blas);

// "cpu", then "cuda:0", "cuda:1", ... as far as there are.
std::vector<std::string> Devices();

// One of Devices(). Throws std::runtime_error naming them if there is none of that name.
at::Device FindDevice(const std::string& name);

// CUDA: the most bytes that LibTorch has held on the device since the last call. CPU: the resident memory of the
// process.
int64_t MemoryBytes(const at::Device& device);

// Whether memory ran out, of a device or of the host.
bool IsOutOfMemory(const c10::Error& error);

// Lets LibTorch and BLAS use `threads` >= 1 threads in work started by the calling thread. Sums depend on it.
void UseThreads(int threads);

// Makes the process keep the memory that it frees instead of giving it back at once: LibTorch allocates and frees the
// same megabytes in every optimiser step, and the kernel's clearing of fresh pages costs a fifth of the step otherwise.
// Call first in main: all threads then share one heap.
void KeepFreedMemory();

// Gives what is kept back to the system: between trials.
void ReturnFreedMemory();

}  // namespace athanor::training
