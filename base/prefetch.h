// A hint to the processor.
#pragma once

#include <cstddef>

namespace athanor {

// Starts to fetch the object, without what it points to, into the cache: worth it where it is used soon and nobody has
// looked at it lately. Changes nothing and waits for nothing.
template <typename T>
void Prefetch(const T& object) {
  constexpr size_t kLineBytes = 64;
  const char* const bytes = reinterpret_cast<const char*>(&object);
  for (size_t at = 0; at < sizeof(T); at += kLineBytes) __builtin_prefetch(bytes + at);
  __builtin_prefetch(bytes + sizeof(T) - 1);
}

}  // namespace athanor
