import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';
import { nestLogger } from './nest-logger.js';

const capture = () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, log: createLogger({ app: 'gateway', level: 'debug', destination }) };
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
