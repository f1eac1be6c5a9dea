#include "base/clock.h"

namespace athanor {

Now SystemClock::Read() const {
  return {MonotonicTime(std::chrono::steady_clock::now().time_since_epoch()),
          std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now())};
}

}  // namespace athanor
