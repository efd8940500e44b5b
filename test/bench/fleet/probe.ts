import { subscribe } from 'node:diagnostics_channel';
import { Session } from 'node:inspector/promises';
import { serveCommands } from '../gateway/child.js';
import type { ProbeCommands } from './messages.js';
import { selfTimes } from './profile.js';

/** Loaded before the hub's own program (`node --expose-gc --import probe.js`): answers what only its process can tell. */

const accepted = new Map<number, number>();
subscribe('net.server.socket', () => {
  const second = Math.floor(Date.now() / 1000);
  accepted.set(second, (accepted.get(second) ?? 0) + 1);
});

async function profile(seconds: number): Promise<Record<string, number>> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 1_000 });
    await session.post('Profiler.start');
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return selfTimes((await session.post('Profiler.stop')).profile);
  } finally {
    session.disconnect();
  }
}

serveCommands<ProbeCommands>(
  {
    memory: async () => {
      for (let round = 0; round < 4; round++) {
        global.gc?.();
        await new Promise((resolve) => setTimeout(resolve, 50)); // what is freed in the next turns
      }
      const { heapUsed, external } = process.memoryUsage();
      return { heapBytes: heapUsed, outsideHeapBytes: external };
    },
    accepted: async () => ({ perSecond: Object.fromEntries(accepted) }),
    profile: async ({ seconds }) => ({ selfMicros: await profile(seconds) }),
  },
  async () => undefined,
);
