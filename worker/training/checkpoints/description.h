// What a checkpoint says of its model, so that it can be used without the study and the data that it came from.
//
// Section `description` of a checkpoint (checkpoint_file.h): text, one fact a line, every line ended by a newline, in
// this order; backslashes and line ends in texts are written \\ and \n:
//   option TYPE NAME VALUE          each option that was given; TYPE: bool, int, float or string
//   input images CHANNELS HEIGHT WIDTH, or input table FEATURES [SIZE ...]   sizes: of the embedded categories
//   outputs COUNT
//   mean X ..., stddev X ..., target_mean X ..., target_stddev X ...         as in data/shape.h; absent if empty
//   class NAME                      by index
//   column NAME                     by index
//   category COLUMN VALUE           COLUMN counts the categorical ones from 0; by index
// Numbers are the shortest text that reads back to the same double.
#pragma once

#include <string>

#include "base/value.h"
#include "worker/training/data/shape.h"

namespace athanor::training {

struct ModelDescription {
  NamedValues options;
  Shape shape;
  Normalization normalization;
};

std::string WriteDescription(const ModelDescription& description);

// Throws CheckpointError naming the line that is not as above, or what is missing.
ModelDescription ReadDescription(const std::string& text);

}  // namespace athanor::training
