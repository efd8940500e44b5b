import { describe, expect, it } from 'vitest';
import { defineConfig, setting } from './config.js';

const parse = defineConfig({
  BERTH_PORT: setting.port(7070),
  BERTH_LEVEL: setting.oneOf(['info', 'debug'], 'info'),
  BERTH_TLS: setting.flag(false),
  DATABASE_URL: setting.url(['postgres', 'postgresql']),
  BERTH_REGION: setting.optionalText(),
});

const DATABASE_URL = 'postgres://berth:hunter2@db/berth';

const linesOf = (env: Record<string, string>): string[] => {
  try {
    parse(env);
  } catch (error) {
    if (error instanceof Error && error.name === 'StartupError') return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('configuration', () => {
  it('takes what is set and defaults for the rest; an empty value counts as not set', () => {
    expect(parse({ DATABASE_URL, BERTH_PORT: '80', BERTH_LEVEL: '', OTHER: 'x' })).toEqual({
      BERTH_PORT: 80,
      BERTH_LEVEL: 'info',
      BERTH_TLS: false,
      DATABASE_URL,
      BERTH_REGION: undefined,
    });
  });

  it('names every wrong value, what was read and what is allowed, one line each', () => {
    expect(linesOf({ BERTH_PORT: '70700', BERTH_LEVEL: 'loud', BERTH_TLS: 'yes' })).toEqual([
      'BERTH_PORT is "70700"; allowed: a whole number from 0 to 65535',
      'BERTH_LEVEL is "loud"; allowed: info, debug',
      'BERTH_TLS is "yes"; allowed: true or false',
      'DATABASE_URL is not set; allowed: a URL that begins with postgres:// or postgresql://',
    ]);
  });

  it('does not echo what may hold a secret', () => {
    const [line] = linesOf({ DATABASE_URL: 'mysql://berth:hunter2@db' });
    expect(line).toMatch(/^DATABASE_URL has a value that is not allowed \(not shown\); allowed: a URL/);
    expect(line).not.toContain('hunter2');
  });

  it.each(['1e3', '0x50', '-1', '1.5', ' 1', '99999999999999999999'])('refuses %j as a port', (value) => {
    expect(linesOf({ DATABASE_URL, BERTH_PORT: value })).toHaveLength(1);
  });
});
