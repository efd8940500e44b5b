/** The same manifests, with `tcpSocket` where a probe had `grpc`; every other character stays as it was. */
export function grpcProbesToTcp(text: string): string;
