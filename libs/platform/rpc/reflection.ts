import {
  create,
  createRegistry,
  type DescFile,
  type MessageInitShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { file_grpc_health_v1_health, Health } from './gen/grpc/health/v1/health_pb.js';
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from './gen/grpc/reflection/v1/reflection_pb.js';
import { decode, encode } from './grpc-streams.js';
import type { BoundService } from './service.js';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

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

const notFound = (what: string): Answer => ({
  case: 'errorResponse',
  value: { errorCode: status.NOT_FOUND, errorMessage: `${what} is not served here` },
});

/** What a set of services looks like to reflection: every file byte for byte as it was compiled. */
class Catalogue {
  readonly #registry: Registry;
  readonly #files: ReadonlyMap<string, DescFile>;

  constructor(
    private readonly services: readonly string[],
    roots: readonly DescFile[],
  ) {
    const files = withDependencies(roots);
    this.#registry = createRegistry(...files);
    this.#files = new Map(files.map((file) => [file.proto.name, file]));
  }

  answer({ messageRequest: asked }: ServerReflectionRequest): Answer {
    switch (asked.case) {
      case 'listServices':
        return { case: 'listServicesResponse', value: { service: this.services.map((name) => ({ name })) } };
      case 'fileByFilename':
        return this.#describe(this.#files.get(asked.value), `file ${asked.value}`);
      case 'fileContainingSymbol':
        return this.#describe(this.#fileOf(asked.value), asked.value);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = asked.value;
        const extendee = this.#registry.getMessage(containingType);
        const extension = extendee && this.#registry.getExtensionFor(extendee, extensionNumber);
        return this.#describe(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case 'allExtensionNumbersOfType':
        return this.#extensionsOf(asked.value);
      default:
        return notFound('an empty question');
    }
  }

  /** Methods, fields and enum values are found by what they belong to. */
  #fileOf(symbol: string): DescFile | undefined {
    for (let name = symbol; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const found = this.#registry.get(name);
      if (found !== undefined) return found.file;
    }
    return undefined;
  }

  #extensionsOf(typeName: string): Answer {
    if (this.#registry.getMessage(typeName) === undefined) return notFound(typeName);
    const extensionNumber: number[] = [];
    for (const type of this.#registry) {
      if (type.kind === 'extension' && type.extendee.typeName === typeName) extensionNumber.push(type.number);
    }
    return { case: 'allExtensionNumbersResponse', value: { baseTypeName: typeName, extensionNumber } };
  }

  #describe(file: DescFile | undefined, what: string): Answer {
    if (file === undefined) return notFound(what);
    const fileDescriptorProto = withDependencies([file]).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
    return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
  }
}

/**
 * Adds server reflection: what grpcurl and its like read instead of proto files. v1alpha has the same messages as v1
 * under another name. (@grpc/reflection re-encodes the files and loses their custom options: our permissions.)
 */
export const addReflection = (server: Server, bound: readonly BoundService[]): void => {
  const services = [...bound.map(({ service }) => service), Health];
  const catalogue = new Catalogue(
    [...services, ServerReflection].map(({ typeName }) => typeName),
    [...services.map(({ file }) => file), file_grpc_health_v1_health, file_grpc_reflection_v1_reflection],
  );
  const same = (bytes: Buffer): Buffer => bytes;
  const serializers = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const info = async (call: ServerDuplexStream<Buffer, Buffer>): Promise<void> => {
    try {
      for await (const bytes of call.iterator({ destroyOnReturn: false })) {
        const originalRequest = decode(ServerReflectionRequestSchema, bytes);
        const messageResponse = catalogue.answer(originalRequest);
        const answer = { validHost: originalRequest.host, originalRequest, messageResponse };
        call.write(encode(ServerReflectionResponseSchema, create(ServerReflectionResponseSchema, answer)));
      }
      call.end();
    } catch (cause) {
      const details = cause instanceof Error ? cause.message : String(cause);
      if (!call.destroyed)
        call.emit('error', Object.assign(new Error(details), { code: status.INVALID_ARGUMENT, details }));
    }
  };
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const method = { path, requestStream: true, responseStream: true, ...serializers };
    server.addService({ ServerReflectionInfo: method }, { ServerReflectionInfo: info });
  }
};
