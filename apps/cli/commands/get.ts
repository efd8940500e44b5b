import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { wire } from '#contract';
import { everyPage } from '../pages.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { applicationDetail, applicationTable, objectTable, releaseTable, revisionTable } from '../text/applications.js';
import { watchedApplications } from '../watching/kinds.js';
import { showWatch } from '../watching/show.js';

const examples = `
Examples:
  berth get                     all applications of the project
  berth get shop                one, component by component and cluster by cluster
  berth get shop --objects      every Kubernetes object of it, with uid and resourceVersion
  berth get shop -o yaml
  berth get releases --environment staging
  berth get revisions shop`;

export function addGet(program: Command, shell: Shell): void {
  const get = program
    .command('get')
    .argument('[name]', 'an application')
    .description('Show applications, releases or revisions.')
    .helpCommand(false)
    .option('--objects', 'list the objects in the members')
    .addHelpText('after', examples);
  shell.on<{ objects?: boolean }>(get, async (session, [name], { objects = false }) =>
    name === undefined ? await listApplications(session) : await getApplication(session, name, objects),
  );
  shell.on(
    get.command('releases').description('Releases of the environment, newest first.'),
    async (session) => await listReleases(session),
  );
  shell.on(
    get
      .command('revisions')
      .argument('<name>', 'an application')
      .description('Accepted contents of an application, newest first.'),
    async (session, [name = '']) => await listRevisions(session, name),
  );
  const watch = program
    .command('watch')
    .argument('[name]', 'an application; all of the project without one')
    .description('Show applications as they change, until Ctrl-C.');
  shell.on(watch, async (session, [name]) => {
    const watched = name === undefined ? session.names.project : session.names.application(name);
    return await showWatch(session, watchedApplications(session, watched));
  });
}

async function listApplications(session: Session): Promise<undefined> {
  const applications = await everyPage(
    (page) => session.applications.listApplications({ parent: session.names.project, ...page }),
    (page) => page.applications,
  );
  session.show({
    schema: wire.ListApplicationsResponseSchema,
    message: create(wire.ListApplicationsResponseSchema, { applications }),
    names: applications.map(({ name }) => name),
    text: (look) => applicationTable(applications, look),
  });
}

async function getApplication(session: Session, name: string, objects: boolean): Promise<undefined> {
  const application = await session.applications.getApplication({ name: session.names.application(name) });
  session.show({
    schema: wire.ApplicationSchema,
    message: application,
    names: [application.name],
    text: (look) => (objects ? objectTable(application, look) : applicationDetail(application, look)),
  });
}

async function listReleases(session: Session): Promise<undefined> {
  const releases = await everyPage(
    (page) => session.applications.listReleases({ parent: session.names.environment, ...page }),
    (page) => page.releases,
  );
  session.show({
    schema: wire.ListReleasesResponseSchema,
    message: create(wire.ListReleasesResponseSchema, { releases }),
    names: releases.map(({ name }) => name),
    text: (look) => releaseTable(releases, look),
  });
}

async function listRevisions(session: Session, name: string): Promise<undefined> {
  const parent = session.names.application(name);
  const revisions = await everyPage(
    (page) => session.applications.listRevisions({ parent, ...page }),
    (page) => page.revisions,
  );
  session.show({
    schema: wire.ListRevisionsResponseSchema,
    message: create(wire.ListRevisionsResponseSchema, { revisions }),
    names: revisions.map((revision) => revision.name),
    text: (look) => revisionTable(revisions, look),
  });
}
