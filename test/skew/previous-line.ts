import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { line } from '#contract';

/** The agents' line as `previous/` has it, built from its source: nothing generated is kept. */
export function previousAgentService(): typeof line.AgentService {
  const folder = mkdtempSync(join(tmpdir(), 'berth-previous-'));
  const set = join(folder, 'line.binpb');
  const buf = join(import.meta.dirname, '../../node_modules/.bin/buf');
  execFileSync(buf, ['build', join(import.meta.dirname, 'previous'), '-o', set, '--as-file-descriptor-set']);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(set)));
  rmSync(folder, { recursive: true });
  const service = registry.getService('berth.agent.v1.AgentService');
  if (service === undefined) throw new Error('previous/ has no berth.agent.v1.AgentService');
  // the same names under a description of its own: whatever is written or read through it has the fields of that time
  return service as typeof line.AgentService;
}
