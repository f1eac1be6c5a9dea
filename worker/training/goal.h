// Which way the objective is better.
#pragma once

namespace athanor::training {

enum class Goal { kMaximize, kMinimize };

}  // namespace athanor::training
