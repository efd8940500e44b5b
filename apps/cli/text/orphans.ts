import type { wire } from '#contract';
import { age } from './figures.js';
import type { Look } from './look.js';
import { table } from './table.js';

/** Objects of no work. Berth deletes none of them: that is said, too. */
export function orphanTable(orphans: readonly wire.Orphan[], look: Look): string[] {
  if (orphans.length === 0) return ['no orphans'];
  const rows = orphans.map((orphan) => [
    orphan.kind,
    orphan.namespace || '-',
    orphan.objectName,
    orphan.uid,
    orphan.workId,
    age(orphan.firstSeenTime, look.now),
    age(orphan.lastSeenTime, look.now),
  ]);
  return [
    ...table(['KIND', 'NAMESPACE', 'NAME', 'UID', 'WORK', 'FIRST SEEN', 'LAST SEEN'], rows, look.palette),
    '',
    'They are left alone; delete them with kubectl where they are not wanted.',
  ];
}
