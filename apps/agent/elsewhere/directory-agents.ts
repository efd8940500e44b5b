import { basename, join } from 'node:path';
import type { Clock, Millis } from '#domain';
import { type MemberCluster, systemTiming, type Timing } from '#kube';
import type { AgentLog } from '../seams.js';
import { rest } from '../seams.js';
import { listFolders } from './folder.js';
import { Resident } from './resident.js';

const scanEvery: Millis = 2_000;

export interface DirectoryAgentsOptions {
  /** A folder for each cluster, with `kubeconfig`, at first `token`, and later the identity. */
  directory: string;
  /** host:port of the hub, as its certificate names it. */
  hub: string;
  connect(kubeconfig: { yaml: string; directory: string }): Promise<MemberCluster>;
  log: AgentLog;
  clock?: Clock;
  scanEveryMs?: Millis;
}

export interface DirectoryAgents {
  /** Names of the folders that are served. */
  served(): string[];
  /** Rejects when the directory itself cannot be read any more. */
  done: Promise<void>;
  close(): Promise<void>;
}

/**
 * One process for many clusters that cannot host an agent: an agent for each folder, as they come and go.
 *
 * @throws what the file system says when the directory cannot be read.
 */
export async function startDirectoryAgents(options: DirectoryAgentsOptions): Promise<DirectoryAgents> {
  const { directory, hub, log, connect } = options;
  const timing: Timing = { ...systemTiming, clock: options.clock ?? systemTiming.clock };
  const stopping = new AbortController();
  const residents = new Map<string, { resident: Resident; stamp: string }>();

  const scan = async (): Promise<void> => {
    const found = await listFolders(directory);
    for (const [name, { resident }] of residents) {
      if (found.has(name)) continue;
      residents.delete(name);
      log.info({ folder: name }, 'the folder is gone: its cluster is served no more');
      void resident.close();
    }
    for (const [name, stamp] of found) {
      const known = residents.get(name);
      if (known === undefined) {
        const folder = join(directory, name);
        const bound = log.child({ folder: basename(folder) });
        bound.info('serving the cluster of this folder');
        residents.set(name, { stamp, resident: new Resident({ hub, folder, connect, timing, log: bound }) });
      } else if (known.stamp !== stamp && !isTokenSpent(known.stamp, stamp)) known.resident.renew();
      if (known !== undefined) known.stamp = stamp;
    }
  };

  const watch = async (): Promise<void> => {
    while (await rest(timing, options.scanEveryMs ?? scanEvery, stopping.signal)) await scan();
  };
  await scan();
  const done = watch();
  void done.catch(() => undefined); // `done` still rejects for those who wait for it
  return {
    served: () => [...residents.keys()],
    done,
    close: async () => {
      stopping.abort(new Error('the agents end'));
      await done.catch(() => undefined);
      await Promise.all([...residents.values()].map(({ resident }) => resident.close()));
    },
  };
}

/** The token is taken away once it has served; nothing else has changed. */
const isTokenSpent = (before: string, after: string): boolean => after.endsWith(' ') && before.startsWith(after);
