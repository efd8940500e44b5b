import { equals, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { service as health } from 'grpc-health-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EchoServer, startEcho } from '../testing/echo-server.js';
import { EchoService, file_echo } from '../testing/gen/echo_pb.js';

let echo: EchoServer;
let client: Client;
beforeEach(async () => {
  echo = await startEcho();
  client = new Client(echo.server.grpcAddress, credentials.createInsecure());
});
afterEach(async () => {
  client.close();
  await echo.close();
});

/** All length-delimited fields of that number, as bytes. */
const fields = (bytes: Uint8Array, wanted: number): Uint8Array[] => {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted) found.push(reader.bytes());
    else reader.skip(type);
  }
  return found;
};

/** One question to the reflection service, as grpcurl asks it; `field` numbers the kind of question. */
const reflect = (version: string, field: number, value: string): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const same = (bytes: Buffer) => bytes;
    const call = client.makeBidiStreamRequest(path, same, same);
    call.on('data', resolve).on('error', reject);
    call.write(Buffer.from(new BinaryWriter().tag(field, 2).string(value).finish()));
    call.end();
  });

const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe.each(['v1', 'v1alpha'])('reflection %s, without a credential', (version) => {
  it('lists the services', async () => {
    const [list] = fields(await reflect(version, 7, '*'), 6);
    const names = fields(list ?? new Uint8Array(), 1).flatMap((service) => fields(service, 1).map(utf8));
    expect(names).toEqual([EchoService.typeName, 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection']);
  });

  it('describes a service with all that it depends on, exactly as it was compiled', async () => {
    const [answer] = fields(await reflect(version, 4, EchoService.typeName), 4);
    const files = fields(answer ?? new Uint8Array(), 1).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    expect(files.map(({ name }) => name)).toEqual(['echo.proto', 'google/protobuf/timestamp.proto']);
    const echoFile = files.find(({ name }) => name === 'echo.proto') as FileDescriptorProto;
    expect(echoFile).toEqual(file_echo.proto);
    expect(equals(FileDescriptorProtoSchema, echoFile, file_echo.proto)).toBe(true);
  });
});

describe('reflection', () => {
  const filesOf = async (field: number, value: string): Promise<string[]> => {
    const [answer] = fields(await reflect('v1', field, value), 4);
    return fields(answer ?? new Uint8Array(), 1).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
  };

  it.each([
    [4, `${EchoService.typeName}.Echo`, 'echo.proto'],
    [4, 'platform.testing.v1.EchoRequest.text', 'echo.proto'],
    [4, 'grpc.health.v1.Health', 'grpc/health/v1/health.proto'],
    [3, 'google/protobuf/timestamp.proto', 'google/protobuf/timestamp.proto'],
  ])('finds (question %i) %s in %s', async (field, value, file) => {
    expect((await filesOf(field, value))[0]).toBe(file);
  });

  it.each([
    [4, 'berth.v1.Nothing'],
    [3, 'nothing.proto'],
  ])('says that it has no (question %i) %s', async (field, value) => {
    const [error] = fields(await reflect('v1', field, value), 7);
    expect(fields(error ?? new Uint8Array(), 2).map(utf8)).toEqual([expect.stringContaining(value)]);
  });
});

describe('health, without a credential', () => {
  const methodOf = (name: string): MethodDefinition<object, object> => {
    const method = health[name];
    if (method === undefined) throw new Error(`health has no ${name}`);
    return method;
  };

  const check = (name: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = methodOf('Check');
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: name }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });

  it('tells of the server and of each service', async () => {
    expect(await check('')).toMatchObject({ status: 'SERVING' });
    expect(await check(EchoService.typeName)).toMatchObject({ status: 'SERVING' });
    await expect(check('berth.v1.Nothing')).rejects.toMatchObject({ code: 5 });
  });

  it('turns to NOT_SERVING for watchers before the server closes', async () => {
    const { path, requestSerialize, responseDeserialize } = methodOf('Watch');
    const statuses: unknown[] = [];
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' });
    call.on('error', () => {});
    const first = new Promise((resolve) => call.once('data', resolve));
    call.on('data', ({ status }) => statuses.push(status));
    await first;
    const ended = new Promise((resolve) => call.on('status', resolve));
    await echo.server.close();
    await ended;
    expect(statuses).toEqual(['SERVING', 'NOT_SERVING']);
  });
});
