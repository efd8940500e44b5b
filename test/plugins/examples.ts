import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type PluginSettings, readPluginsFile } from '#plugins';

const folder = join(import.meta.dirname, '../../examples/plugins');

/** A plug-in as the example's own file configures it. */
export async function examplePlugin(name: string, differs: Partial<PluginSettings> = {}): Promise<PluginSettings> {
  const found = (await readPluginsFile(join(folder, 'plugins.yaml'))).find(({ engine }) => engine.name === name);
  if (found === undefined) throw new Error(`the example configures no ${name}`);
  return { ...found, ...differs };
}

export interface PriceServer {
  address: string;
  quote(prices: Readonly<Record<string, number>>): Promise<void>;
  stop(): Promise<void>;
}

/** The example server as a process of its own, with prices in a file of ours. */
export async function startPriceServer(prices: Readonly<Record<string, number>>): Promise<PriceServer> {
  const file = join(await mkdtemp(join(tmpdir(), 'berth-prices-')), 'prices.json');
  const quote = (quoted: Readonly<Record<string, number>>) => writeFile(file, JSON.stringify(quoted));
  await quote(prices);
  const program = join(folder, 'spot-prices/server.mjs');
  const child = spawn(process.execPath, [program, '--listen', '127.0.0.1:0', '--prices', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await listeningAt(child);
  return {
    ...{ address, quote },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function listeningAt(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the server has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /listens on (\S+)$/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('the server ended before it listened');
}
