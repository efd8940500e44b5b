import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { GenService } from '@bufbuild/protobuf/codegenv2';
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValue,
  type StringValueSchema,
} from '@bufbuild/protobuf/wkt';
import { wire } from '#contract';
import { RpcService } from '#platform';

type BareService = GenService<{
  echo: { methodKind: 'unary'; input: typeof StringValueSchema; output: typeof StringValueSchema };
  answer: { methodKind: 'unary'; input: typeof StringValueSchema; output: typeof wire.ApplicationSchema };
}>;

const text = '.google.protobuf.StringValue';
const files = [file_google_protobuf_wrappers, wire.ApplicationSchema.file];

/** `berth.bench.v1.BareService`, made here: a method that does nothing is no part of the product's contract. */
function describeBareService(): BareService {
  const file = create(FileDescriptorProtoSchema, {
    name: 'berth/bench/v1/bare.proto',
    package: 'berth.bench.v1',
    syntax: 'proto3',
    dependency: files.map(({ proto }) => proto.name),
    service: [
      {
        name: 'BareService',
        method: [
          { name: 'Echo', inputType: text, outputType: text },
          { name: 'Answer', inputType: text, outputType: `.${wire.ApplicationSchema.typeName}` },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, (name) => files.find(({ proto }) => proto.name === name));
  const service = registry.getService('berth.bench.v1.BareService');
  if (service === undefined) throw new Error('the bare service could not be described');
  return service as BareService;
}

export const bareService = describeBareService();

/** What a unary method costs when it does nothing. */
@RpcService(bareService)
export class BareController {
  /** What `answer` gives to everybody. */
  held: wire.Application = create(wire.ApplicationSchema);

  async echo(request: StringValue) {
    return request;
  }

  /** As much to encode as Get has, and nothing else to do. */
  async answer() {
    return this.held;
  }
}
