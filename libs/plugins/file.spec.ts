import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { StartupErrors } from '#platform';
import { readPluginsFile } from './file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-plugins-'));
  await mkdir(join(folder, 'hours'));
  const files = {
    'one.mjs': 'export const score = () => [];',
    token: ' s3cret\n',
    'ca.pem': 'a certificate',
    'hours/package.json': JSON.stringify({
      version: '2.1.0',
      exports: { '.': { import: './in.mjs', require: './in.cjs' } },
    }),
    'hours/in.mjs': '',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
});

async function read(content: string) {
  const path = join(folder, 'plugins.yaml');
  await writeFile(path, content);
  return await readPluginsFile(path);
}

async function wrong(content: string): Promise<string[]> {
  try {
    await read(content);
  } catch (error) {
    if (!(error instanceof StartupErrors)) throw error;
    return error.lines.map((line) => line.replace(`BERTH_PLUGINS ${join(folder, 'plugins.yaml')}: `, ''));
  }
  throw new Error('nothing was wrong');
}

describe('the file of plug-ins', () => {
  it('says what runs where and what counts when it fails, with paths beside the file', async () => {
    const [hours, prices, ...others] = await read(`
plugins:
  - name: hours
    package: ./hours
    settings: { notice: 30 }
    filter: { onFailure: refuse }
  - name: prices
    version: '3'
    grpc: { address: 'prices.internal:7300', tls: { authorityFile: ca.pem }, tokenFile: token }
    timeoutMs: 80
    filter: { onFailure: admit, wakeOn: [cluster.capacity], askAgainSeconds: 5 }
    score: { weight: 25, onFailure: 500 }`);
    expect(hours).toEqual({
      engine: {
        ...{ name: 'hours', version: '' },
        filter: { onFailure: 'refuse', wakeOn: ['cluster.registered', 'cluster.relabelled'] },
      },
      ...{ timeoutMs: 200, askAgainMs: 30_000, settings: { notice: 30 } },
      runs: { as: 'package', module: pathToFileURL(join(folder, 'hours/in.mjs')).href, version: '2.1.0', memoryMb: 64 },
    });
    expect(prices).toEqual({
      engine: {
        ...{ name: 'prices', version: '3' },
        filter: { onFailure: 'admit', wakeOn: ['cluster.capacity'] },
        score: { weight: 25, onFailure: 500 },
      },
      ...{ timeoutMs: 80, askAgainMs: 5_000, settings: {} },
      runs: {
        as: 'grpc',
        address: 'prices.internal:7300',
        tls: { authority: Buffer.from('a certificate') },
        token: 's3cret',
      },
    });
    expect(others).toEqual([]);
  });

  it('may be as docs/plugins.md shows it', async () => {
    const guide = await readFile(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8');
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(guide) ?? [];
    const here = example
      .replace('./maintenance-hours', './hours')
      .replace('prices-ca', 'ca')
      .replace('prices.token', 'token');
    expect((await read(here)).map(({ engine }) => engine.name)).toEqual(['maintenance-hours', 'spot-prices']);
  });

  it('may be JSON, and empty', async () => {
    expect(await read('{"plugins": []}')).toEqual([]);
    const [one] = await read(
      '{"plugins": [{"name": "one", "package": "one.mjs", "score": {"weight": 1, "onFailure": 0}}]}',
    );
    expect(one?.runs).toMatchObject({ module: pathToFileURL(join(folder, 'one.mjs')).href, version: '' });
  });

  it.each([
    ['- name: Prices', 'plugins[0].name: allowed are 1 to 40 of a-z, 0-9 and "-", beginning with a letter'],
    ['- name: a\n    package: none.mjs\n    score: {weight: 1, onFailure: 0}', 'plugins[0].package: there is no file'],
    [
      '- name: a\n    package: .\n    score: {weight: 1, onFailure: 0}',
      'plugins[0].package: package.json cannot be read',
    ],
    ['- name: a\n    score: {weight: 1, onFailure: 0}', 'plugins[0]: has to have one of "package" and "grpc"'],
    ['- name: a\n    package: one.mjs', 'plugins[0]: has to have "filter" or "score", or both'],
    ['- name: a\n    package: one.mjs\n    score: {weight: 1}', 'plugins[0].score.onFailure: '],
    ['- name: a\n    package: one.mjs\n    score: {weight: 0, onFailure: 1001}', 'plugins[0].score.weight: '],
    ['- name: a\n    package: one.mjs\n    filter: {onFailure: maybe}', 'plugins[0].filter.onFailure: '],
    [
      '- name: a\n    package: one.mjs\n    filter: {onFailure: admit, wakeOn: [moon]}',
      'plugins[0].filter.wakeOn[0]: ',
    ],
    [
      '- name: a\n    package: one.mjs\n    timeoutMs: 0\n    score: {weight: 1, onFailure: 0}',
      'plugins[0].timeoutMs: ',
    ],
    [
      '- name: a\n    grpc: {address: nowhere}\n    score: {weight: 1, onFailure: 0}',
      'plugins[0].grpc.address: allowed is host:port',
    ],
    [
      '- name: a\n    grpc: {address: "h:1", tokenFile: none}\n    score: {weight: 1, onFailure: 0}',
      'plugins[0].grpc.tokenFile: none cannot be read',
    ],
    ['- name: a\n    package: one.mjs\n    colour: red\n    score: {weight: 1, onFailure: 0}', 'plugins[0]: '],
  ])('that is wrong is refused by its field: %s', async (entry, line) => {
    expect((await wrong(`plugins:\n  ${entry}`))[0]).toContain(line);
  });

  it('that is wrong in several ways says all of them', async () => {
    const one = 'package: one.mjs, score: {weight: 1, onFailure: 0}';
    const lines = await wrong(`plugins:\n  - {name: a, ${one}}\n  - {name: a, timeoutMs: x, ${one}}`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('plugins[1].timeoutMs');
    expect(await wrong(`plugins:\n  - {name: a, ${one}}\n  - {name: a, ${one}}`)).toEqual([
      'plugins[1].name: "a" is there twice',
    ]);
    expect(await wrong('plugins: [')).toEqual([expect.stringContaining('is neither YAML nor JSON')]);
    expect(await wrong('plugins: 5')).toEqual([expect.stringContaining('plugins: ')]);
    await expect(readPluginsFile(join(folder, 'none.yaml'))).rejects.toThrow('none.yaml: cannot be read');
  });
});
