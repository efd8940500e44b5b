import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayHarness, specOf, startGatewayHarness } from '../gateway/harness.js';
import { type Invocation, invoke, reflectionVersions } from './reflection.js';

const has = (program: string, flag: string) => spawnSync(program, [flag], { stdio: 'ignore' }).status === 0;
const programs = { curl: has('curl', '--version'), grpcurl: has('grpcurl', '-version') } as const;
for (const [program, there] of Object.entries(programs))
  if (!there) console.info(`left out: the README’s ${program} command, run as written (needs ${program})`);

/** The README's command that begins with that program. */
async function commandOf(program: string): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
  const block = readme.split('```').find((text) => text.trimStart().startsWith(`${program} `));
  if (block === undefined) throw new Error(`the README has no ${program} command`);
  return block.trim();
}

/** Splits as a shell does, as far as the README goes: quotes, `$NAME`, a line that goes on. */
function words(command: string, env: Readonly<Record<string, string>>): string[] {
  const filled = (text: string) => text.replaceAll(/\$([A-Z_]+)/g, (_, name: string) => env[name] ?? '');
  return [...command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, literal, quoted, bare]) => literal ?? filled(quoted ?? bare ?? ''),
  );
}

function readGrpcurl(command: string, env: Readonly<Record<string, string>>): Invocation {
  const [program, plaintext, ...rest] = words(command, env);
  expect([program, plaintext]).toEqual(['grpcurl', '-plaintext']);
  const [flagH, header = '', flagD, body = '', server = '', method = ''] = rest;
  expect([flagH, flagD, rest.length]).toEqual(['-H', '-d', 6]);
  const [name = '', value = ''] = header.split(': ');
  return { server, headers: [[name, value]], body: JSON.parse(body), method };
}

describe('what the README says for any language', () => {
  let harness: GatewayHarness;
  let env: Readonly<Record<string, string>>;
  const listed = {
    applications: [expect.objectContaining({ name: expect.stringMatching(/\/applications\/listed$/) })],
  };
  beforeAll(async () => {
    harness = await startGatewayHarness();
    const { gateway, ownerKey } = harness;
    env = {
      BERTH_SERVER: gateway.grpcAddress,
      BERTH_JSON: `http://${gateway.httpAddress}`,
      BERTH_API_KEY: ownerKey,
      PATH: process.env.PATH ?? '',
    };
    const name = 'tenants/default/projects/default/applications/listed';
    await harness
      .as(ownerKey)
      .applications.applyApplication({ name, source: { case: 'spec', value: specOf(1, 'listed') } });
  });
  afterAll(() => harness.close());

  const run = async (command: string): Promise<unknown> =>
    JSON.parse((await promisify(execFile)('bash', ['-c', command], { env, timeout: 20_000 })).stdout);

  it.each(reflectionVersions)('its grpcurl command, by reflection %s alone', async (version) => {
    expect(await invoke(version, readGrpcurl(await commandOf('grpcurl'), env))).toMatchObject(listed);
  });

  it.skipIf(!programs.grpcurl)('its grpcurl command as written', async () => {
    expect(await run(await commandOf('grpcurl'))).toMatchObject(listed);
  });

  it.skipIf(!programs.curl)('its curl command as written', async () => {
    expect(await run(await commandOf('curl'))).toMatchObject(listed);
  });
});
