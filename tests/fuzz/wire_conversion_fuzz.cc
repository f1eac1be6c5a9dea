// What arrives over the wire, into the domain: no message makes the conversion fail in any way but by a status, and a
// study that is accepted survives the way out and in again unchanged. The input is a StudySpec in text form, or, after
// a first byte of 1, 2 or 3, the bytes of a TrialReport, FinishRequest or UpdateStudyRequest.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cstdlib>
#include <string>

#include "athanor/v1/study.pb.h"
#include "athanor/v1/study_service.pb.h"
#include "athanor/v1/worker_service.pb.h"
#include "server/coordinator/plan.h"
#include "server/core/study_spec.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/convert_study_update.h"
#include "server/rpc/convert_worker.h"
#include "server/search/auto.h"

namespace {

class Silent final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, int, const std::string&) override {}
  void AddWarning(int, int, const std::string&) override {}
};

std::string Bytes(const athanor::v1::StudySpec& spec) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream out(&bytes);
    google::protobuf::io::CodedOutputStream coded(&out);
    coded.SetSerializationDeterministic(true);
    if (!spec.SerializeToCodedStream(&coded)) std::abort();
  }
  return bytes;
}

void ConvertSpec(const std::string& text) {
  athanor::v1::StudySpec wire;
  google::protobuf::TextFormat::Parser parser;
  Silent silent;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(64);
  if (!parser.ParseFromString(text, &wire)) return;
  auto spec = athanor::FromProto(wire);
  if (!spec.ok() || !athanor::Complete(*spec).ok()) return;
  const athanor::v1::StudySpec out = athanor::ToProto(*spec);
  auto again = athanor::FromProto(out);
  if (!again.ok() || !athanor::Complete(*again).ok()) std::abort();
  if (Bytes(athanor::ToProto(*again)) != Bytes(out)) std::abort();
  athanor::PickMethod(*again);
  if (!athanor::PlanStudy(*again).ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  if (input.starts_with('\1')) {
    athanor::v1::TrialReport report;
    if (report.ParseFromString(input.substr(1))) (void)athanor::FromProto(report);
  } else if (input.starts_with('\2')) {
    athanor::v1::FinishRequest finish;
    if (finish.ParseFromString(input.substr(1))) (void)athanor::FromProto(finish);
  } else if (input.starts_with('\3')) {
    athanor::v1::UpdateStudyRequest update;
    if (update.ParseFromString(input.substr(1))) (void)athanor::FromProto(update);
  } else {
    ConvertSpec(input);
  }
  return 0;
}
