import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EnginePlugin } from '#placement';
import type { PluginSettings } from '../settings.js';

export const filtering: Pick<EnginePlugin, 'filter'> = { filter: { onFailure: 'admit', wakeOn: [] } };
export const scoring: Pick<EnginePlugin, 'score'> = { score: { weight: 30, onFailure: 0 } };

/** A plug-in that is a module of this text. */
export async function inWorker(
  source: string,
  engine: Partial<EnginePlugin> = { ...filtering, ...scoring },
  differs: Partial<PluginSettings> = {},
): Promise<PluginSettings> {
  const file = join(await mkdtemp(join(tmpdir(), 'berth-plugin-')), 'plugin.mjs');
  await writeFile(file, source);
  return {
    engine: { name: 'tried', version: '', ...engine },
    ...{ timeoutMs: 5_000, askAgainMs: 30_000, settings: {} },
    runs: { as: 'package', module: pathToFileURL(file).href, version: '0.1.0', memoryMb: 64 },
    ...differs,
  };
}

/** A plug-in that listens there. */
export const onServer = (
  address: string,
  engine: Partial<EnginePlugin> = { ...filtering, ...scoring },
  differs: Partial<PluginSettings> = {},
): PluginSettings => ({
  engine: { name: 'tried', version: '', ...engine },
  ...{ timeoutMs: 5_000, askAgainMs: 30_000, settings: {} },
  runs: { as: 'grpc', address, tls: undefined, token: undefined },
  ...differs,
});
