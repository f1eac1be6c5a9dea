// Counts and numbers the distinct configurations of a space in which some parameters exist only for some values of
// others.
//
// A decision diagram over value classes: values of a parameter that no condition tells apart are one class, so a range
// of 2^53 ints is one branch. Parameters that conditions connect form a component; components multiply. Inside a
// component a node stands for "this far in declared order, with these classes chosen among the parameters that later
// ones still depend on", so what happens beyond is counted once however often it is reached.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace athanor {

// Immutable. Thread-safe.
class ConfigurationDiagram {
 public:
  // Consecutive values (by index, ascending) that no condition tells apart.
  struct Run {
    int64_t first = 0;
    int64_t length = 0;
    int value_class = 1;  // from 1
  };
  // Holds while the parent is active with a value of one of these classes.
  struct Need {
    size_t parent = 0;
    std::vector<int> classes;
  };
  struct Variable {
    std::vector<Run> runs;    // together every value once, in order
    std::vector<Need> needs;  // all must hold, else the variable is absent; none: always present
  };

  static constexpr int64_t kAbsent = -1;
  static constexpr int64_t kMaxCount = int64_t{1} << 62;
  // Nodes over all components: what bounds time and memory of Build (about 100 bytes and a microsecond a node and run).
  // Only conditions that interlock get near: 17 two-valued parents declared before one child that needs all of them.
  static constexpr size_t kMaxNodes = size_t{1} << 18;

  // nullopt if it takes more than kMaxNodes nodes. The needs must be free of cycles.
  static std::optional<ConfigurationDiagram> Build(std::span<const Variable> variables);

  // The number of distinct configurations; nullopt above kMaxCount.
  std::optional<int64_t> count() const;
  // Configuration `rank`, 0 <= rank < count(): by variable, the index of its value or kAbsent. In declared order, the
  // last variable fastest, absent before every value. O(variables * runs).
  std::vector<int64_t> At(int64_t rank) const;

 private:
  struct Branch {
    int64_t first;   // index of the first value, or kAbsent
    int64_t length;  // 1 for kAbsent
    size_t next;     // node after choosing one of them
  };
  struct Node {
    uint64_t count = 0;  // ways from here to the end of the component; saturates above kMaxCount
    std::vector<Branch> branches;
  };
  struct Component {
    std::vector<Node> nodes;
    size_t root = 0;
  };
  class Builder;

  std::vector<size_t> component_of_;  // by variable
  std::vector<Component> components_;
};

}  // namespace athanor
