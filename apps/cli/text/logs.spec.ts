import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { logPrinter } from './logs.js';
import { colours, noColours } from './look.js';

const from = (cluster: string, pod: string, container = 'main') =>
  create(wire.PodTargetSchema, { component: 'web', cluster: `clusters/${cluster}`, pod, container });
const plain = { palette: noColours, bars: false, now: 0 };
const terminal = { palette: colours, bars: true, now: 0 };

describe('lines of logs', () => {
  it('each begin with cluster and pod', () => {
    const printer = logPrinter(plain, { prefix: true });
    expect(printer.lines(from('north', 'web-1'), Buffer.from('a\n\nb\n'))).toBe(
      'north/web-1 a\nnorth/web-1 \nnorth/web-1 b\n',
    );
  });

  it('name the container once a pod has shown several', () => {
    const printer = logPrinter(plain, { prefix: true });
    printer.lines(from('north', 'web-1', 'one'), Buffer.from('a\n'));
    expect(printer.lines(from('north', 'web-1', 'two'), Buffer.from('b\n'))).toBe('north/web-1/two b\n');
  });

  it('have a colour for each pod at a terminal, and none elsewhere', () => {
    const printer = logPrinter(terminal, { prefix: true });
    const [one, other] = ['web-1', 'web-2'].map((pod) => printer.lines(from('north', pod), Buffer.from('a\n')));
    expect(one).toBe('\u001b[36mnorth/web-1\u001b[0m a\n');
    expect(other).toBe('\u001b[33mnorth/web-2\u001b[0m a\n');
    expect(
      logPrinter({ ...terminal, palette: noColours }, { prefix: true }).lines(from('n', 'w'), Buffer.from('a\n')),
    ).toBe('n/w a\n');
  });

  it('are left as they are on request, and characters that come in two pieces are one', () => {
    const printer = logPrinter(plain, { prefix: false });
    const bytes = Buffer.from('é\n');
    expect(printer.lines(from('n', 'w'), bytes.subarray(0, 1)) + printer.lines(from('n', 'w'), bytes.subarray(1))).toBe(
      'é\n',
    );
  });
});
