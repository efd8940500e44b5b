import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayHarness, startGatewayHarness } from '../gateway/harness.js';

const client = join(import.meta.dirname, 'client.py');
const proto = join(import.meta.dirname, '../../proto');
const python = ['/usr/bin/python3', 'python3'].find(
  (program) => spawnSync(program, [client, proto], { stdio: 'ignore' }).status === 0,
);
if (python === undefined)
  console.info(
    'left out: the Python client (needs python3 with grpcio, protoc and grpc_python_plugin: Debian’s python3-grpcio, protobuf-compiler-grpc, libprotobuf-dev)',
  );

describe.skipIf(python === undefined)('a Python client made from proto/ alone', () => {
  let harness: GatewayHarness;
  let told: unknown;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    const { gateway, operatorKey, ownerKey } = harness;
    const { stdout } = await promisify(execFile)(
      python ?? 'python3',
      [client, proto, gateway.grpcAddress, operatorKey, ownerKey],
      { timeout: 60_000 },
    );
    told = JSON.parse(stdout);
  });
  afterAll(() => harness.close());

  it('applies an application and watches it', () => {
    expect(told).toMatchObject({
      applications: {
        changed: true,
        release: 'tenants/default/projects/default/environments/default/releases/v1',
        watched: 'tenants/default/projects/default/applications/from-python',
      },
    });
  });

  it('learns which field is wrong from the error’s details', () => {
    expect(told).toMatchObject({ refused: { code: 'INVALID_ARGUMENT', fields: ['spec.components[0].replicas'] } });
  });

  it('registers and lists clusters', () => {
    expect(told).toMatchObject({ clusters: { token: true, listed: [['clusters/py-1', 'eu']] } });
  });

  it('finds health and every service by reflection', () => {
    expect(told).toMatchObject({
      standard: {
        health: 1,
        services: expect.arrayContaining(
          ['Application', 'Cluster', 'Operation', 'Tenancy'].map((word) => `berth.v1.${word}Service`),
        ),
        described: expect.arrayContaining(['berth/v1/application_service.proto']),
      },
    });
  });
});
