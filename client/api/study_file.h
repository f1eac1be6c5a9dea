// The study file (SEMANTICS section 1): YAML or JSON text to the wire's StudySpec.
//
// Structure is checked here: syntax, unknown, missing and duplicate keys, types, and words that are one of a few. What
// the values mean (bounds, `when`, a grid's size, the trainer's options) is checked by the coordinator, which knows
// more; Locate() turns its answer into the same form, so that every error reads "file:line: key.path: what was found;
// what is wanted".
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"
#include "base/value.h"
#include "base/yaml_reader.h"

namespace athanor {

// A study file and where everything in it stands. Copies share the document.
struct StudyFile {
  v1::StudySpec spec;  // holds what the file gives; defaults are the coordinator's to fill in
  YamlDocument document;
};

// `file` is only for messages. INVALID_ARGUMENT, or RESOURCE_EXHAUSTED for a file above 1 MiB or 64 levels.
// Thread-safe, does not block.
absl::StatusOr<StudyFile> ParseStudyFile(std::string_view text, std::string file);

// Keeps the type.
void ToWire(const Value& value, v1::Value* wire);

// Reads the file at `path` and parses it. INVALID_ARGUMENT, too, if it cannot be opened or read. Blocks on the disk.
absl::StatusOr<StudyFile> ReadStudyFile(const std::string& path);

// An INVALID_ARGUMENT of the coordinator whose message starts with a key path ("parameters.lr.min: ...") with file and
// line put before it. Any other status comes back as it is.
absl::Status Locate(const StudyFile& study_file, const absl::Status& status);

}  // namespace athanor
