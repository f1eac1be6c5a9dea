// The command line of athanor-trainer's commands for people.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace athanor {

// What is wrong with a command line, for standard error, beside the usage; exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `--name value` pairs.
class Arguments {
 public:
  // `words`: what follows the command. `known`: names without dashes. Throws UsageError on a word that is no known
  // option, on an option without a value and on one given twice.
  Arguments(const std::vector<std::string>& words, const std::vector<std::string>& known);

  // Throws UsageError if it was not given.
  const std::string& Required(const std::string& name) const;
  std::string Or(const std::string& name, const std::string& otherwise) const;

 private:
  std::map<std::string, std::string> given_;
};

}  // namespace athanor
