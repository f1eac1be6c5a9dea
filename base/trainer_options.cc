#include "base/trainer_options.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "base/edit_distance.h"
#include "base/sha256.h"
#include "base/trainer_options/tables.h"

namespace athanor {
namespace {

using enum OptionType;

struct Tables {
  std::vector<TrainerOption> all;
  std::vector<TrainerOptionGroup> groups;
};

Tables MakeTables() {
  const std::pair<std::string_view, std::vector<TrainerOption>> parts[] = {
      {"Model", ModelOptionTable()},         {"Data", DataOptionTable()},         {"Task and loss", TaskOptionTable()},
      {"Optimiser", OptimizerOptionTable()}, {"Schedule", ScheduleOptionTable()}, {"Run", RunOptionTable()}};
  Tables tables;
  for (const auto& [title, options] : parts) std::ranges::copy(options, std::back_inserter(tables.all));
  size_t start = 0;
  for (const auto& [title, options] : parts) {
    tables.groups.push_back({title, std::span(tables.all).subspan(start, options.size())});
    start += options.size();
  }
  return tables;
}

const Tables& AllTables() {
  static const Tables tables = MakeTables();
  return tables;
}

const std::vector<TrainerOption>& Table() { return AllTables().all; }

std::string Bound(OptionType type, double bound) {
  return type == kInt ? std::to_string(static_cast<int64_t>(bound)) : ToString(Value(bound));
}

}  // namespace

std::span<const TrainerOption> TrainerOptions() { return Table(); }

std::span<const TrainerOptionGroup> TrainerOptionGroups() { return AllTables().groups; }

const TrainerOption* FindTrainerOption(std::string_view name) {
  const auto found = std::ranges::find(Table(), name, &TrainerOption::name);
  return found == Table().end() ? nullptr : &*found;
}

std::string_view ClosestTrainerOption(std::string_view name) {
  std::vector<std::string_view> names;
  for (const TrainerOption& option : Table()) names.push_back(option.name);
  return ClosestName(name, names);
}

std::string Accepts(const TrainerOption& option) {
  switch (option.type) {
    case kBool:
      return "true or false";
    case kString:
      return "a string";
    case kChoice: {
      std::string text = "one of ";
      for (const std::string_view choice : option.choices) {
        if (choice != option.choices.front()) text += ", ";
        text += choice;
      }
      return text;
    }
    case kInt:
    case kFloat:
      return std::string(option.type == kInt ? "int" : "float") + " in " + (option.exclusive_min ? "(" : "[") +
             Bound(option.type, option.min) + ", " + Bound(option.type, option.max) +
             (option.exclusive_max ? ")" : "]");
  }
  return "";
}

std::optional<std::string> WhyRefused(const TrainerOption& option, const Value& value) {
  const auto refuse = [&](std::string_view why) {
    return ToString(value) + " " + std::string(why) + "; want " + Accepts(option);
  };
  switch (option.type) {
    case kBool:
      if (!std::holds_alternative<bool>(value)) return refuse(std::string("is of type ") + TypeName(value));
      return std::nullopt;
    case kString:
      if (!std::holds_alternative<std::string>(value)) return refuse(std::string("is of type ") + TypeName(value));
      return std::nullopt;
    case kChoice:
      if (!std::holds_alternative<std::string>(value)) return refuse(std::string("is of type ") + TypeName(value));
      if (std::ranges::find(option.choices, std::get<std::string>(value)) == option.choices.end()) {
        return refuse("is unknown");
      }
      return std::nullopt;
    case kInt:
    case kFloat: {
      double number;
      if (const auto* integer = std::get_if<int64_t>(&value)) {
        number = static_cast<double>(*integer);
      } else if (const auto* real = std::get_if<double>(&value); real != nullptr && option.type == kFloat) {
        number = *real;
      } else {
        return refuse(std::string("is of type ") + TypeName(value));
      }
      const bool above = option.exclusive_min ? number > option.min : number >= option.min;
      const bool below = option.exclusive_max ? number < option.max : number <= option.max;
      if (!above || !below) return refuse("is out of range");  // NaN lands here too
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string TrainerOptionsHash() {
  std::string text;
  for (const TrainerOption& option : Table()) {
    text += std::string(option.name) + "\t" + std::to_string(static_cast<int>(option.type)) + "\t" + Accepts(option) +
            "\t" + ToString(option.default_value) + "\n";
  }
  return Sha256::Hex(text);
}

TrainerSettings::TrainerSettings(NamedValues given) : given_(std::move(given)) {
  for (auto& [name, value] : given_) {
    const TrainerOption* option = FindTrainerOption(name);
    if (option == nullptr) throw std::invalid_argument("trainer option " + name + " is unknown");
    if (const auto why = WhyRefused(*option, value))
      throw std::invalid_argument("trainer option " + name + ": " + *why);
    if (const auto* integer = std::get_if<int64_t>(&value); integer != nullptr && option->type == kFloat) {
      value = static_cast<double>(*integer);
    }
  }
}

const Value& TrainerSettings::Get(std::string_view name, OptionType type) const {
  const TrainerOption* option = FindTrainerOption(name);
  if (option == nullptr) throw std::logic_error("no trainer option " + std::string(name));
  const bool textual = type == kString && option->type == kChoice;
  if (option->type != type && !textual)
    throw std::logic_error("trainer option " + std::string(name) + " has another type");
  const auto found = given_.find(std::string(name));
  return found == given_.end() ? option->default_value : found->second;
}

bool TrainerSettings::Bool(std::string_view name) const { return std::get<bool>(Get(name, kBool)); }
int64_t TrainerSettings::Int(std::string_view name) const { return std::get<int64_t>(Get(name, kInt)); }
double TrainerSettings::Float(std::string_view name) const { return std::get<double>(Get(name, kFloat)); }
std::string TrainerSettings::String(std::string_view name) const { return std::get<std::string>(Get(name, kString)); }
bool TrainerSettings::Has(std::string_view name) const { return given_.contains(std::string(name)); }

}  // namespace athanor
