import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '#domain';
import { openChannel } from '#platform';
import { Authority } from '../../../apps/hub/authority/authority.js';
import { freePorts } from '../../kubernetes/ports.js';
import { startWorker, type Worker } from '../gateway/child.js';
import type { ProbeCommands } from './messages.js';

const lifetimeMs = 24 * 3_600_000;

/** The hub's compiled program in a process of its own, with a probe beside it. */
export interface HubProcess {
  readonly address: string;
  readonly pid: number;
  readonly probe: Worker<ProbeCommands>;
  /** The very authority of the hub, so that certificates need not be asked for one by one. */
  authority(): Promise<Authority>;
  /** Kills it as a crash would, and starts it again at once; resolves when it has been started, not when it answers. */
  restart(): void;
  ready(): Promise<void>;
  end(): Promise<void>;
}

export interface HubOptions {
  databaseUrl: string;
  /** Keeps the authority. */
  directory: string;
  /** Folder for a CPU profile of the whole run. */
  profile: string | undefined;
}

/** From this file's place in dist/. */
const program = join(import.meta.dirname, '../../../apps/hub/main.js');
const probe = pathToFileURL(join(import.meta.dirname, 'probe.js')).href;

export async function startHubProcess({ databaseUrl, directory, profile }: HubOptions): Promise<HubProcess> {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const env = {
    BERTH_DATABASE_URL: databaseUrl,
    BERTH_HUB_ADDRESS: address,
    BERTH_HUB_PUBLIC_ADDRESS: address,
    BERTH_HUB_DIRECTORY: directory,
    BERTH_LOG_LEVEL: 'error',
  };
  const start = () => startWorker<ProbeCommands>(program, ['--expose-gc', ...profiling, '--import', probe], env);
  let running = start();
  const ready = async (): Promise<void> => {
    for (const deadline = Date.now() + 30_000; ; ) {
      const channel = openChannel({ address, tls: { authority: await authorityOf(directory) } });
      try {
        return await channel.ready(500);
      } catch (error) {
        if (Date.now() > deadline) throw error;
      } finally {
        channel.close();
      }
    }
  };
  return {
    address,
    get pid() {
      return running.pid;
    },
    get probe() {
      return running;
    },
    authority: () => Authority.open({ directory, clock: systemClock, ids: { secret: randomSecret }, lifetimeMs }),
    restart: () => {
      process.kill(running.pid, 'SIGKILL');
      running = start();
    },
    ready,
    end: () => running.end(),
  };
}

const randomSecret = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

/** PEM; empty while the hub has not made it. */
async function authorityOf(directory: string): Promise<string> {
  const text = await readFile(join(directory, 'authority.pem'), 'utf8').catch(() => ''); // not yet
  return text.slice(Math.max(0, text.indexOf('-----BEGIN CERTIFICATE')));
}
