import { createFileRegistry, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata } from '@grpc/grpc-js';

/** grpcurl takes v1, and v1alpha where that is not served. */
export const reflectionVersions = ['v1', 'v1alpha'] as const;
export type ReflectionVersion = (typeof reflectionVersions)[number];

/** What `grpcurl -plaintext -H HEADER … -d BODY SERVER METHOD` is told. */
export interface Invocation {
  server: string;
  headers: readonly (readonly [name: string, value: string])[];
  body: JsonValue;
  /** `package.Service/Method`. */
  method: string;
}

// Numbers of fields in grpc.reflection.v1.ServerReflectionRequest, …Response and FileDescriptorResponse.
const fileByFilename = 3;
const fileContainingSymbol = 4;
const fileDescriptorResponse = 4;
const fileDescriptorProto = 1;

const same = (bytes: Buffer): Buffer => bytes;

function bytesAt(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field) found.push(reader.bytes());
    else reader.skip(type);
  }
  return found;
}

/** The file that answers the question, with what the server sends along. */
async function ask(client: Client, version: ReflectionVersion, field: number, value: string) {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same, { deadline: Date.now() + 10_000 });
  call.end(Buffer.from(new BinaryWriter().tag(field, 2).string(value).finish()));
  const files: FileDescriptorProto[] = [];
  for await (const answer of call as AsyncIterable<Buffer>)
    for (const response of bytesAt(answer, fileDescriptorResponse))
      for (const file of bytesAt(response, fileDescriptorProto))
        files.push(fromBinary(FileDescriptorProtoSchema, file));
  return files;
}

/** Everything that a symbol needs, asking for each import that did not come by itself. */
async function describe(client: Client, version: ReflectionVersion, symbol: string) {
  const files = new Map<string, FileDescriptorProto>();
  const add = (more: readonly FileDescriptorProto[]) => {
    for (const file of more) files.set(file.name, file);
  };
  const [root, ...more] = await ask(client, version, fileContainingSymbol, symbol);
  if (root === undefined) throw new Error(`reflection ${version} does not describe ${symbol}`);
  add([root, ...more]);
  for (;;) {
    const missing = [...files.values()].flatMap(({ dependency }) => dependency).find((name) => !files.has(name));
    if (missing === undefined) break;
    add(await ask(client, version, fileByFilename, missing));
  }
  return createFileRegistry(root, (name) => files.get(name));
}

/** Calls a unary method as grpcurl does: knowing nothing but what reflection says of it. Answers JSON. */
export async function invoke(version: ReflectionVersion, asked: Invocation): Promise<JsonValue> {
  const client = new Client(asked.server, credentials.createInsecure());
  try {
    const [service = '', method = ''] = asked.method.split('/');
    const registry = await describe(client, version, service);
    const described = registry.getService(service)?.methods.find(({ name }) => name === method);
    if (described === undefined) throw new Error(`${asked.method} is not described`);
    const { input, output } = described;
    const metadata = new Metadata();
    for (const [name, value] of asked.headers) metadata.add(name, value);
    const request = Buffer.from(toBinary(input, fromJson(input, asked.body, { registry })));
    const answer = await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(`/${asked.method}`, same, same, request, metadata, (error, value) =>
        error === null && value !== undefined ? resolve(value) : reject(error),
      );
    });
    return toJson(output, fromBinary(output, answer), { registry });
  } finally {
    client.close();
  }
}
