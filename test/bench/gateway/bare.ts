import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { GenService } from '@bufbuild/protobuf/codegenv2';
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValue,
  type StringValueSchema,
} from '@bufbuild/protobuf/wkt';
import { RpcService } from '#platform';

type BareService = GenService<{
  echo: { methodKind: 'unary'; input: typeof StringValueSchema; output: typeof StringValueSchema };
}>;

const text = '.google.protobuf.StringValue';

/** `berth.bench.v1.BareService`, made here: a method that does nothing is no part of the product's contract. */
function describeBareService(): BareService {
  const file = create(FileDescriptorProtoSchema, {
    name: 'berth/bench/v1/bare.proto',
    package: 'berth.bench.v1',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    service: [{ name: 'BareService', method: [{ name: 'Echo', inputType: text, outputType: text }] }],
  });
  const registry = createFileRegistry(file, (name) =>
    name === 'google/protobuf/wrappers.proto' ? file_google_protobuf_wrappers : undefined,
  );
  const service = registry.getService('berth.bench.v1.BareService');
  if (service === undefined) throw new Error('the bare service could not be described');
  return service as BareService;
}

export const bareService = describeBareService();

/** What a unary method costs when it does nothing: it answers what it was sent. */
@RpcService(bareService)
export class BareController {
  async echo(request: StringValue) {
    return request;
  }
}
