#!/usr/bin/env python3
"""A client that knows nothing but the protos and the address: reflection, health, a study steered and trained from Python.

Usage: python_client_test.py SERVER_PROGRAM PROTO_FOLDER
"""
import pathlib
import subprocess
import sys
import tempfile

import grpc


def raw(channel, method, streaming=False):
    """A call of bytes for bytes, as a tool without any stub makes it."""
    make = channel.stream_stream if streaming else channel.unary_unary
    return make(method)


def check_reflection(channel):
    reflect = raw(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", streaming=True)
    list_services = b"\x3a\x00"  # field 7, an empty string
    answer = next(reflect(iter([list_services]), timeout=20))
    for service in (b"athanor.v1.StudyService", b"athanor.v1.WorkerService", b"athanor.v1.AdminService", b"grpc.health.v1.Health"):
        assert service in answer, f"{service} is not listed in {answer}"
    symbol = b"athanor.v1.StudyService"
    file_of_symbol = b"\x22" + bytes([len(symbol)]) + symbol  # field 4
    answer = next(reflect(iter([file_of_symbol]), timeout=20))
    assert b"athanor/v1/study_service.proto" in answer


def check_health(channel):
    check = raw(channel, "/grpc.health.v1.Health/Check")
    for service in (b"", b"athanor.v1.StudyService"):
        request = b"\x0a" + bytes([len(service)]) + service if service else b""
        assert check(request, timeout=20) == b"\x08\x01", f"{service} is not SERVING"


def call(channel, method, request, answer_type):
    unary = channel.unary_unary(f"/athanor.v1.{method}", request_serializer=type(request).SerializeToString,
                                response_deserializer=answer_type.FromString)
    return unary(request, timeout=20)


def create_study(channel, study_pb, service_pb):
    spec = study_pb.StudySpec(name="from-python", resource=study_pb.RESOURCE_EPOCH)
    spec.objectives.add(metric="val_accuracy", goal=study_pb.GOAL_MAXIMIZE)
    parameter = spec.parameters.add(name="learning_rate", type=study_pb.PARAMETER_TYPE_FLOAT, scale=study_pb.SCALE_LOG)
    parameter.min.float_value, parameter.max.float_value = 1e-4, 1.0
    spec.search.method = "random"
    spec.budget.trials = 2
    for name, value in (("model", "mlp"), ("dataset", "fashion-mnist")):
        spec.trainer.add(name=name).value.string_value = value
    request = service_pb.CreateStudyRequest(spec=spec, request_id="python-1")
    first, repeated = (call(channel, "StudyService/CreateStudy", request, study_pb.Study) for _ in range(2))
    assert first.id == repeated.id, "a repeat made another study"


def train(channel, study_pb, worker_pb):
    """Both trials, one epoch each, with accuracies 0.25 and 0.75."""
    worker = {"worker": "python", "incarnation": 1}
    register = worker_pb.RegisterRequest(protocol_version=1, slots=2, trainers=["builtin"], datasets=["fashion-mnist"], **worker)
    call(channel, "WorkerService/Register", register, worker_pb.RegisterResponse)
    acquire = worker_pb.AcquireRequest(sequence=1, max_trials=2, **worker)
    leases = call(channel, "WorkerService/Acquire", acquire, worker_pb.AcquireResponse).leases
    assert [lease.ref.trial_number for lease in leases] == [0, 1], leases

    report = worker_pb.ReportRequest(sequence=1, **worker)
    for lease, accuracy in zip(leases, (0.25, 0.75)):
        trial = report.reports.add(lease=lease.ref, resumed_step=0)
        trial.measurements.add(step=1).metrics.add(name="val_accuracy", value=accuracy)
        report.finishes.add(lease=lease.ref, outcome=study_pb.ATTEMPT_OUTCOME_COMPLETED)
    stream = channel.stream_stream("/athanor.v1.WorkerService/Report", request_serializer=worker_pb.ReportRequest.SerializeToString,
                                   response_deserializer=worker_pb.ReportResponse.FromString)
    answer = next(stream(iter([report]), timeout=20))
    assert answer.acknowledged_sequence == 1, answer
    assert all(verdict.status_code == 0 for verdict in answer.verdicts), answer


def query(channel, study_pb, service_pb):
    request = service_pb.GetBestTrialsRequest(study="from-python", count=1)
    best = call(channel, "StudyService/GetBestTrials", request, service_pb.ListTrialsResponse).trials
    assert [(trial.number, trial.best_value) for trial in best] == [(1, 0.75)], best
    study = call(channel, "StudyService/GetStudy", service_pb.GetStudyRequest(study="from-python"), study_pb.Study)
    assert study.state == study_pb.STUDY_STATE_COMPLETED, study
    try:
        call(channel, "StudyService/GetStudy", service_pb.GetStudyRequest(study="nobody"), study_pb.Study)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND and "nobody" in error.details(), error
    else:
        raise AssertionError("an unknown study was found")


def main():
    server_program, protos = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        files = sorted(str(path) for path in protos.glob("athanor/v1/*.proto"))
        subprocess.run(["protoc", f"-I{protos}", f"--python_out={folder}", *files], check=True)
        sys.path.insert(0, folder)
        from athanor.v1 import study_pb2, study_service_pb2, worker_service_pb2

        server = subprocess.Popen([server_program, "--listen", "127.0.0.1:0", "--database", f"{folder}/athanor.db"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = server.stdout.readline().removeprefix("listening on ").strip()
            with grpc.insecure_channel(address) as channel:
                check_reflection(channel)
                check_health(channel)
                create_study(channel, study_pb2, study_service_pb2)
                train(channel, study_pb2, worker_service_pb2)
                query(channel, study_pb2, study_service_pb2)
        finally:
            server.terminate()
            status = server.wait(timeout=20)
        assert status == 0, f"the coordinator ended with {status}"
    print("reflection, health and a study from Python: ok")


if __name__ == "__main__":
    main()
