"""A client that knows proto/ alone: applies an application, registers and lists clusters, asks reflection and health.

Usage: client.py PROTO_DIRECTORY SERVER OPERATOR_KEY OWNER_KEY. Prints one JSON object.
With PROTO_DIRECTORY alone it tells by its exit code whether this machine has what it takes to make the client.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import grpc

HEALTH = """
syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
"""

REFLECTION = """
syntax = "proto3";
package grpc.reflection.v1;
message ServerReflectionRequest {
  string host = 1;
  oneof message_request { string file_containing_symbol = 4; string list_services = 7; }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ServiceResponse { string name = 1; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServerReflectionResponse {
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ListServiceResponse list_services_response = 6;
  }
}
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}
"""


def generate(proto_directory, out):
    """Compiles proto/ and the two standard services into modules below `out`."""
    standard = out / "standard"
    for package, text in {"health": HEALTH, "reflection": REFLECTION}.items():
        folder = standard / "grpc_standard" / package
        folder.mkdir(parents=True)
        (folder / f"{package}.proto").write_text(text)
    files = sorted(pathlib.Path(proto_directory).rglob("*.proto")) + sorted(standard.rglob("*.proto"))
    arguments = [f"-I{proto_directory}", f"-I{standard}", f"--python_out={out}", f"--grpc_python_out={out}"]
    subprocess.run([*compiler(), *arguments, *map(str, files)], check=True)
    sys.path.insert(0, str(out))


def compiler():
    """protoc with gRPC's plug-in, as Debian packages them; else the two in one, as PyPI has them."""
    plugin = shutil.which("grpc_python_plugin")
    if plugin and shutil.which("protoc"):
        return ["protoc", f"--plugin=protoc-gen-grpc_python={plugin}"]
    return [sys.executable, "-m", "grpc_tools.protoc"]


def as_key(key):
    return [("authorization", f"Bearer {key}")]


def applications(channel, key):
    from berth.v1 import application_pb2, application_service_pb2, application_service_pb2_grpc

    service = application_service_pb2_grpc.ApplicationServiceStub(channel)
    name = "tenants/default/projects/default/applications/from-python"
    container = application_pb2.Container(
        image="nginx:1.27", requests=application_pb2.ComputeAmounts(cpu="100m", memory="64Mi")
    )
    component = application_pb2.Component(name="web", replicas=2, containers=[container])
    spec = application_pb2.ApplicationSpec(components=[component])
    request = application_service_pb2.ApplyApplicationRequest(name=name, spec=spec)
    applied = service.ApplyApplication(request, metadata=as_key(key), timeout=20)
    watch = service.WatchApplications(
        application_service_pb2.WatchApplicationsRequest(name=name), metadata=as_key(key), timeout=20
    )
    first = next(watch)
    watch.cancel()
    return {"changed": applied.changed, "release": applied.release.name, "watched": first.changed.name}


def refused(channel, key):
    from berth.v1 import application_pb2, application_service_pb2, application_service_pb2_grpc
    from google.rpc import error_details_pb2, status_pb2

    service = application_service_pb2_grpc.ApplicationServiceStub(channel)
    component = application_pb2.Component(name="web", replicas=-1, containers=[application_pb2.Container(image="x")])
    spec = application_pb2.ApplicationSpec(components=[component])
    name = "tenants/default/projects/default/applications/wrong"
    try:
        service.ApplyApplication(
            application_service_pb2.ApplyApplicationRequest(name=name, spec=spec), metadata=as_key(key), timeout=20
        )
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        bad = error_details_pb2.BadRequest()
        found = any(detail.Unpack(bad) for detail in status.details)
        fields = [violation.field for violation in bad.field_violations] if found else []
        return {"code": error.code().name, "fields": fields}
    return {"code": "OK", "fields": []}


def clusters(channel, key):
    from berth.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc

    service = cluster_service_pb2_grpc.ClusterServiceStub(channel)
    facts = cluster_pb2.Cluster(region="eu", labels={"from": "python"})
    request = cluster_service_pb2.RegisterClusterRequest(cluster_id="py-1", cluster=facts)
    registered = service.RegisterCluster(request, metadata=as_key(key), timeout=20)
    listed = service.ListClusters(cluster_service_pb2.ListClustersRequest(), metadata=as_key(key), timeout=20)
    return {
        "token": registered.enrolment_token.token.startswith("enrol_"),
        "listed": [[cluster.name, cluster.region] for cluster in listed.clusters],
    }


def standard_services(channel):
    from google.protobuf import descriptor_pb2
    from grpc_standard.health import health_pb2, health_pb2_grpc
    from grpc_standard.reflection import reflection_pb2, reflection_pb2_grpc

    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
    asks = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="berth.v1.ApplicationService"),
    ]
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    services, files = list(stub.ServerReflectionInfo(iter(asks), timeout=20))
    described = [
        descriptor_pb2.FileDescriptorProto.FromString(file).name
        for file in files.file_descriptor_response.file_descriptor_proto
    ]
    return {
        "health": health.status,
        "services": sorted(service.name for service in services.list_services_response.service),
        "described": described,
    }


def main(proto_directory, server=None, operator_key=None, owner_key=None):
    with tempfile.TemporaryDirectory() as folder:
        generate(proto_directory, pathlib.Path(folder))
        if server is None:
            return
        with grpc.insecure_channel(server) as channel:
            told = {
                "applications": applications(channel, owner_key),
                "refused": refused(channel, owner_key),
                "clusters": clusters(channel, operator_key),
                "standard": standard_services(channel),
            }
    print(json.dumps(told))


main(*sys.argv[1:])
