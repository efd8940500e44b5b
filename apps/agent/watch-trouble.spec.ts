import { describe, expect, it } from 'vitest';
import { AccessForbidden, ClusterUnreachable, type KubeError, ServerFault, VersionExpired } from '#kube';
import { createLogger } from '#platform/light';
import { WatchTroubles } from './watch-trouble.js';

const kinds = ['v1/Pod', 'apps/v1/Deployment', 'v1/Service'];
const away = new ClusterUnreachable({ call: 'GET /api' }, 'connect ECONNREFUSED');
const forbidden = new AccessForbidden({ call: 'GET /api/v1/events', status: 403 }, 'may not list events');

function logged() {
  let now = 1_000_000;
  const lines: { level: string; msg: string; [field: string]: unknown }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const troubles = new WatchTroubles(createLogger({ app: 'agent', level: 'debug', destination }), { now: () => now });
  return {
    lines: () => lines.filter(({ level }) => level !== 'debug'),
    details: () => lines.filter(({ level }) => level === 'debug'),
    pass: (ms: number) => {
      now += ms;
    },
    fail: (kind: string, error: KubeError) =>
      troubles.failed({ kind, server: 'https://10.0.0.1', error, retryInMs: 1_000 }),
    recover: (kind: string) => troubles.recovered(kind),
  };
}

describe('what the log says of watches that fail', () => {
  it('tells once that the server is away, once a minute that it still is, and once that it is back', () => {
    const log = logged();
    for (let second = 0; second < 150; second++) {
      for (const kind of kinds) log.fail(kind, away);
      log.pass(1_000);
    }
    for (const kind of kinds) log.recover(kind);
    expect(log.lines()).toMatchObject([
      { level: 'warn', msg: "the member's API server cannot be watched; trying again", server: 'https://10.0.0.1' },
      {
        level: 'warn',
        msg: "the member's API server still cannot be watched",
        forMs: 60_000,
        kinds: [...kinds].sort(),
      },
      { level: 'warn', msg: "the member's API server still cannot be watched", forMs: 120_000 },
      { level: 'info', msg: "the member's API server is watched again", afterMs: 150_000 },
    ]);
    expect(JSON.stringify(log.lines()[0])).toContain('ECONNREFUSED');
    expect(log.details()).toHaveLength(450);
  });

  it('calls the server back only when every kind is, and takes one fault of it for the other', () => {
    const log = logged();
    log.fail('v1/Pod', away);
    log.fail('v1/Service', new ServerFault({ call: 'GET /api', status: 503 }, 'starting'));
    log.recover('v1/Pod');
    expect(log.lines()).toHaveLength(1);
    log.recover('v1/Service');
    expect(log.lines()).toHaveLength(2);
  });

  it('tells of a server that comes and goes once a minute', () => {
    const log = logged();
    for (let second = 0; second < 120; second++) {
      log.fail('v1/Pod', away);
      log.recover('v1/Pod');
      log.pass(1_000);
    }
    expect(log.lines().map(({ level }) => level)).toEqual(['warn', 'info', 'warn', 'info']);
  });

  it('has lines of its own for a kind that the server refuses, and the server is back for it', () => {
    const log = logged();
    for (const kind of ['v1/Pod', 'v1/Event']) log.fail(kind, away);
    log.recover('v1/Pod');
    log.fail('v1/Event', forbidden);
    expect(log.lines().slice(1)).toMatchObject([
      { level: 'info', msg: "the member's API server is watched again" },
      { level: 'warn', msg: 'v1/Event cannot be watched; trying again', kinds: ['v1/Event'] },
    ]);
  });

  it('says nothing of a place in the stream that has expired', () => {
    const log = logged();
    log.fail('v1/Pod', new VersionExpired({ call: 'watch v1/Pod' }, 'too old'));
    log.recover('v1/Pod');
    expect(log.lines()).toEqual([]);
    expect(log.details()).toHaveLength(1);
  });
});
