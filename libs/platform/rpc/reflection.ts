import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import type { BoundService } from './service.js';

const withDependencies = (files: readonly DescFile[]): DescFile[] => {
  const found = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (found.has(file)) return;
    found.add(file);
    file.dependencies.forEach(visit);
  };
  files.forEach(visit);
  return [...found];
};

/** Adds server reflection, v1 and v1alpha: what grpcurl and its like read instead of proto files. */
export const addReflection = (server: Server, services: readonly BoundService[]): void => {
  const files = withDependencies(services.map(({ service }) => service.file));
  const fileDescriptorProtos = files.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  const format = 'Protocol Buffer 3 EnumDescriptorProto';
  const reflection = new ReflectionService(
    { files: { format, type: {}, fileDescriptorProtos } },
    { services: services.map(({ service }) => service.typeName) },
  );
  reflection.addToServer(server);
};
