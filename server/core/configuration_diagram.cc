#include "server/core/configuration_diagram.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace athanor {
namespace {

constexpr uint64_t kSaturated = static_cast<uint64_t>(ConfigurationDiagram::kMaxCount) + 1;

uint64_t SaturatingMultiply(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? kSaturated : std::min(product, kSaturated);
}

// Neither is above kSaturated, so the sum fits.
uint64_t SaturatingAdd(uint64_t a, uint64_t b) { return std::min(a + b, kSaturated); }

// The component of each variable, numbered in declared order of their first members.
std::vector<size_t> Components(std::span<const ConfigurationDiagram::Variable> variables) {
  std::vector<size_t> leader(variables.size());
  std::iota(leader.begin(), leader.end(), size_t{0});
  const auto find = [&](size_t x) {
    while (leader[x] != x) x = leader[x] = leader[leader[x]];
    return x;
  };
  for (size_t child = 0; child < variables.size(); ++child) {
    for (const auto& need : variables[child].needs) leader[find(need.parent)] = find(child);
  }
  std::vector<size_t> component(variables.size());
  std::map<size_t, size_t> number;
  for (size_t x = 0; x < variables.size(); ++x) component[x] = number.try_emplace(find(x), number.size()).first->second;
  return component;
}

}  // namespace

// Builds one component. Positions count its members in declared order.
class ConfigurationDiagram::Builder {
 public:
  Builder(std::span<const Variable> variables, std::vector<size_t> members, size_t max_nodes)
      : variables_(variables), members_(std::move(members)), max_nodes_(max_nodes), chosen_(members_.size()) {
    std::vector<size_t> position(variables.size());
    for (size_t p = 0; p < members_.size(); ++p) position[members_[p]] = p;
    settled_at_.resize(members_.size());
    last_use_.resize(members_.size());
    for (size_t child = 0; child < members_.size(); ++child) {
      Constraint constraint{.child = child, .needs = {}};
      size_t last = child;
      for (const Need& need : variables[members_[child]].needs) {
        constraint.needs.push_back({position[need.parent], need.classes});
        last = std::max(last, position[need.parent]);
      }
      last_use_[child] = std::max(last_use_[child], last);
      for (const Need& need : constraint.needs) last_use_[need.parent] = std::max(last_use_[need.parent], last);
      settled_at_[last].push_back(std::move(constraint));
    }
  }

  // nullopt if it takes more than max_nodes.
  std::optional<Component> Build() {
    component_.root = NodeAt(0);
    if (component_.nodes.size() > max_nodes_) return std::nullopt;
    return std::move(component_);
  }

 private:
  // That a variable is present iff its needs hold; parents by position.
  struct Constraint {
    size_t child;
    std::vector<Need> needs;
  };
  static constexpr int kAbsentClass = 0;

  // The node for the classes in chosen_[0, position).
  size_t NodeAt(size_t position) {
    std::vector<int> key{static_cast<int>(position)};
    for (size_t p = 0; p < position; ++p) {
      if (last_use_[p] >= position) key.push_back(chosen_[p]);
    }
    const auto [known, inserted] = memo_.try_emplace(std::move(key), component_.nodes.size());
    const size_t id = known->second;
    if (!inserted) return id;
    component_.nodes.emplace_back();
    if (component_.nodes.size() > max_nodes_) return id;
    Node node;
    if (position == members_.size()) {
      node.count = 1;
    } else {
      AddBranch(node, position, {.first = kAbsent, .length = 1, .value_class = kAbsentClass});
      for (const Run& run : variables_[members_[position]].runs) AddBranch(node, position, run);
    }
    component_.nodes[id] = std::move(node);
    return id;
  }

  void AddBranch(Node& node, size_t position, const Run& run) {
    chosen_[position] = run.value_class;
    if (!std::ranges::all_of(settled_at_[position], [&](const Constraint& c) { return Holds(c); })) return;
    const size_t next = NodeAt(position + 1);
    const uint64_t ways = component_.nodes[next].count;
    if (ways == 0) return;
    node.branches.push_back({run.first, run.length, next});
    node.count = SaturatingAdd(node.count, SaturatingMultiply(ways, static_cast<uint64_t>(run.length)));
  }

  bool Holds(const Constraint& constraint) const {
    const bool wanted = std::ranges::all_of(constraint.needs, [&](const Need& need) {
      return std::ranges::find(need.classes, chosen_[need.parent]) != need.classes.end();
    });
    return wanted == (chosen_[constraint.child] != kAbsentClass);
  }

  std::span<const Variable> variables_;
  std::vector<size_t> members_;
  size_t max_nodes_;
  std::vector<int> chosen_;                          // class by position
  std::vector<std::vector<Constraint>> settled_at_;  // by the position at which all it speaks of is chosen
  std::vector<size_t> last_use_;                     // the last position at which a constraint looks at this one
  std::map<std::vector<int>, size_t> memo_;
  Component component_;
};

std::optional<ConfigurationDiagram> ConfigurationDiagram::Build(std::span<const Variable> variables) {
  ConfigurationDiagram diagram;
  diagram.component_of_ = Components(variables);
  std::vector<std::vector<size_t>> members;
  for (size_t x = 0; x < variables.size(); ++x) {
    if (diagram.component_of_[x] == members.size()) members.emplace_back();
    members[diagram.component_of_[x]].push_back(x);
  }
  size_t nodes_left = kMaxNodes;
  for (std::vector<size_t>& of_component : members) {
    auto component = Builder(variables, std::move(of_component), nodes_left).Build();
    if (!component) return std::nullopt;
    nodes_left -= component->nodes.size();
    diagram.components_.push_back(*std::move(component));
  }
  return diagram;
}

std::optional<int64_t> ConfigurationDiagram::count() const {
  uint64_t product = 1;
  for (const Component& component : components_) {
    product = SaturatingMultiply(product, component.nodes[component.root].count);
  }
  if (product > static_cast<uint64_t>(kMaxCount)) return std::nullopt;
  return static_cast<int64_t>(product);
}

std::vector<int64_t> ConfigurationDiagram::At(int64_t rank) const {
  std::vector<size_t> node(components_.size());
  uint64_t ways = 1;  // of completing what is chosen so far, over all components
  for (size_t c = 0; c < components_.size(); ++c) {
    node[c] = components_[c].root;
    ways *= components_[c].nodes[node[c]].count;
  }
  uint64_t left = static_cast<uint64_t>(rank);
  std::vector<int64_t> values(component_of_.size(), kAbsent);
  for (size_t x = 0; x < values.size(); ++x) {
    const Component& component = components_[component_of_[x]];
    size_t& at = node[component_of_[x]];
    const uint64_t others = ways / component.nodes[at].count;
    for (const Branch& branch : component.nodes[at].branches) {
      const uint64_t each = component.nodes[branch.next].count * others;
      const uint64_t all = each * static_cast<uint64_t>(branch.length);
      if (left >= all) {
        left -= all;
        continue;
      }
      if (branch.first != kAbsent) values[x] = branch.first + static_cast<int64_t>(left / each);
      left %= each;
      ways = each;
      at = branch.next;
      break;
    }
  }
  return values;
}

}  // namespace athanor
