#include "tests/integration/crash/wire.h"

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/create_channel.h>

#include <chrono>

namespace athanor {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsTime(const FieldDescriptor& field) {
  const std::string& name = field.name();
  return name.ends_with("_unix_ms") || name == "active_ms";
}

void ClearTimes(Message& message) {
  // Why an ACTIVE study waits depends on who is connected.
  auto* study = dynamic_cast<v1::Study*>(&message);
  if (study != nullptr && study->state() == v1::STUDY_STATE_ACTIVE) study->clear_reason();
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsTime(*field)) {
      reflection->ClearField(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map()) {
      if (!field->is_repeated()) {
        ClearTimes(*reflection->MutableMessage(&message, field));
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        ClearTimes(*reflection->MutableRepeatedMessage(&message, field, i));
      }
    }
  }
}

void AppendTrial(Wire& wire, int64_t study, int64_t number, std::string& text) {
  v1::GetTrialRequest request;
  request.set_study(std::to_string(study));
  request.set_number(number);
  v1::TrialDetail detail;
  text += wire.studies->GetTrial(NewContext().get(), request, &detail).error_message() + TextWithoutTimes(detail);

  v1::GetCurveRequest curve_request;
  curve_request.set_study(std::to_string(study));
  curve_request.set_number(number);
  curve_request.set_include_archived(true);
  v1::Curve curve;
  text += wire.studies->GetCurve(NewContext().get(), curve_request, &curve).error_message() + TextWithoutTimes(curve);
}

}  // namespace

std::unique_ptr<grpc::ClientContext> NewContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return context;
}

std::string TextWithoutTimes(Message& message) {
  ClearTimes(message);
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

Wire::Wire(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a coordinator that died is not remembered as dead
  const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  studies = v1::StudyService::NewStub(channel);
  admin = v1::AdminService::NewStub(channel);
  workers = v1::WorkerService::NewStub(channel);
}

std::string ServedFacts(Wire& wire) {
  v1::ListStudiesResponse studies;
  std::string text = wire.studies->ListStudies(NewContext().get(), {}, &studies).error_message();
  for (v1::Study& study : *studies.mutable_studies()) {
    text += TextWithoutTimes(study);
    v1::ListTrialsRequest request;
    request.set_study(std::to_string(study.id()));
    v1::ListTrialsResponse trials;
    text += wire.studies->ListTrials(NewContext().get(), request, &trials).error_message();
    for (const v1::Trial& trial : trials.trials()) AppendTrial(wire, study.id(), trial.number(), text);
  }
  v1::ListWorkersResponse workers;
  text += wire.admin->ListWorkers(NewContext().get(), {}, &workers).error_message();
  for (v1::Worker& worker : *workers.mutable_workers()) {
    worker.clear_state();  // online is what spoke lately, and that no store remembers
    text += TextWithoutTimes(worker);
  }
  return text;
}

}  // namespace athanor
