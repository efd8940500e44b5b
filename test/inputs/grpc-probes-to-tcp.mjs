#!/usr/bin/env node
/**
 * Turns gRPC probes into TCP probes and changes nothing else, for servers that are older than gRPC probes (1.24):
 *
 *     node test/inputs/grpc-probes-to-tcp.mjs online-boutique.yaml > online-boutique-tcp.yaml
 */
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMap, isScalar, parseAllDocuments, visit } from 'yaml';

const probes = new Set(['readinessProbe', 'livenessProbe', 'startupProbe']);

/** Where a pair begins and the next thing after it begins, with the line break that ends it. */
function lineOf(text, pair) {
  const start = text.lastIndexOf('\n', pair.key.range[0]) + 1;
  const end = text.indexOf('\n', pair.value?.range?.[1] ?? pair.key.range[1]);
  return { from: start, to: end === -1 ? text.length : end + 1, by: '' };
}

function editsOf(text, probe) {
  const grpc = isMap(probe) ? probe.items.find((pair) => isScalar(pair.key) && pair.key.value === 'grpc') : undefined;
  if (grpc === undefined) return [];
  const [from, to] = grpc.key.range;
  const fields = isMap(grpc.value) ? grpc.value.items : [];
  // A gRPC check may name a service; a TCP check has no such field.
  const service = fields.filter((pair) => isScalar(pair.key) && pair.key.value === 'service');
  if (service.length > 0 && grpc.value.flow)
    throw new Error('a gRPC probe in one line that names a service is not supported; write it over several lines');
  return [{ from, to, by: 'tcpSocket' }, ...service.map((pair) => lineOf(text, pair))];
}

/**
 * @param {string} text manifests as YAML, of any number of documents
 * @returns {string} the same text, with `tcpSocket` where a probe had `grpc`
 */
export function grpcProbesToTcp(text) {
  const edits = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    visit(document, {
      Pair: (_, pair) => {
        if (isScalar(pair.key) && probes.has(String(pair.key.value))) edits.push(...editsOf(text, pair.value));
      },
    });
  }
  return edits
    .sort((a, b) => b.from - a.from)
    .reduce((changed, { from, to, by }) => changed.slice(0, from) + by + changed.slice(to), text);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [, , path] = process.argv;
  if (path === undefined) {
    console.error('usage: node grpc-probes-to-tcp.mjs FILE > OTHER');
    process.exitCode = 2;
  } else process.stdout.write(grpcProbesToTcp(readFileSync(path, 'utf8')));
}
