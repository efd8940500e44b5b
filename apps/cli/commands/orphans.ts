import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { wire } from '#contract';
import { everyPage } from '../pages.js';
import type { Shell } from '../shell.js';
import { orphanTable } from '../text/orphans.js';

export function addOrphans(cluster: Command, shell: Shell): void {
  const command = cluster
    .command('orphans')
    .argument('<name>')
    .description('Objects in a cluster that carry the label of a work which Berth does not know.');
  shell.on(command, async (session, [id = '']) => {
    const name = session.names.cluster(id);
    const orphans = await everyPage(
      (page) => session.clusters.listOrphans({ name, ...page }),
      (page) => page.orphans,
    );
    session.show({
      schema: wire.ListOrphansResponseSchema,
      message: create(wire.ListOrphansResponseSchema, { orphans }),
      names: orphans.map(({ uid }) => uid),
      text: (look) => orphanTable(orphans, look),
    });
    return undefined;
  });
}
