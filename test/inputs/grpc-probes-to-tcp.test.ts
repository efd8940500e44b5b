import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grpcProbesToTcp } from './grpc-probes-to-tcp.mjs';

const file = new URL('../../../shared/inputs/kubernetes/online-boutique.yaml', import.meta.url);
const there = existsSync(file);
if (!there) console.info('left out: the Online Boutique, since ../shared/inputs is not there');

describe('grpcProbesToTcp', () => {
  it('turns probes alone, and drops the service that only gRPC has', () => {
    const text = [
      '# grpc: stays',
      'spec:',
      '  grpc: {port: 1}',
      '  readinessProbe: {grpc: {port: 7070}} # inline',
      '  livenessProbe:',
      '    grpc:',
      '      port: 7070',
      '      service: cart',
      '    periodSeconds: 5',
      '---',
      'ports: [{name: grpc}]',
      '',
    ].join('\n');
    expect(grpcProbesToTcp(text)).toBe(
      text
        .replace('readinessProbe: {grpc', 'readinessProbe: {tcpSocket')
        .replace('    grpc:\n', '    tcpSocket:\n')
        .replace('      service: cart\n', ''),
    );
  });

  it.runIf(there)('changes only the lines of the probes in the Online Boutique', () => {
    const before = readFileSync(file, 'utf8').split('\n');
    const after = grpcProbesToTcp(before.join('\n')).split('\n');
    const changed = before.flatMap((line, index) =>
      line === after[index] ? [] : [[line.trim(), after[index]?.trim()]],
    );
    expect(after).toHaveLength(before.length);
    expect(changed).toEqual(Array.from({ length: 18 }, () => ['grpc:', 'tcpSocket:']));
  });
});
