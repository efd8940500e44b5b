import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';
import { nestLogger } from './nest-logger.js';

class Expected extends Error {}

const capture = () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return {
    lines,
    log: createLogger({ app: 'gateway', level: 'debug', destination, expected: (error) => error instanceof Expected }),
  };
};

describe('the log', () => {
  it('is a JSON object a line, with the bound fields', () => {
    const { lines, log } = capture();
    log.child({ cluster: 'oslo' }).info({ generation: 3 }, 'work applied');
    expect(lines).toMatchObject([
      { app: 'gateway', level: 'info', cluster: 'oslo', generation: 3, msg: 'work applied', time: expect.any(String) },
    ]);
  });

  it('blacks out credentials, also two levels down', () => {
    const { lines, log } = capture();
    log.info({ token: 'hunter2', headers: { authorization: 'hunter2' }, a: { b: { password: 'hunter2' } } }, 'called');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('tells what was expected without a stack, and each cause once', () => {
    const { lines, log } = capture();
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
    const late = new Expected('GET /version: connect ECONNREFUSED 127.0.0.1:1', { cause: refused });
    log.warn({ err: late }, 'trying again');
    log.warn({ err: new Expected('the hub does not answer', { cause: refused }) }, 'trying again');
    log.warn({ err: new Error('odd') }, 'trying again');
    expect(lines.map(({ err }) => err)).toEqual([
      { type: 'Error', message: 'GET /version: connect ECONNREFUSED 127.0.0.1:1' },
      { type: 'Error', message: 'the hub does not answer: connect ECONNREFUSED 127.0.0.1:1' },
      expect.objectContaining({ message: 'odd', stack: expect.stringContaining('at ') }),
    ]);
  });

  it('takes what Nest says about itself', () => {
    const { lines, log } = capture();
    const nest = nestLogger(log);
    nest.log('Starting', 'NestFactory');
    nest.error('went wrong', 'Error: at', 'Injector');
    nest.warn(new Error('odd'));
    expect(lines).toMatchObject([
      { level: 'debug', msg: 'Starting', context: 'NestFactory' },
      { level: 'error', msg: 'went wrong', context: 'Injector', stack: 'Error: at' },
      { level: 'warn', msg: 'odd', err: { message: 'odd' } },
    ]);
  });
});
