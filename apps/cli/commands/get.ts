import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { wire } from '#contract';
import { Unfulfilled } from '../failure.js';
import { everyPage } from '../pages.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { applicationDetail, applicationTable, releaseTable, revisionTable } from '../text/applications.js';
import { objectTable } from '../text/objects.js';
import { watchedApplications, within } from '../watching/kinds.js';
import { showWatch } from '../watching/show.js';

const examples = `
Examples:
  berth get                     all applications of the project
  berth get shop                one, component by component and cluster by cluster
  berth get shop -o wide        and how each of its objects is
  berth get shop --objects      every Kubernetes object of it, with uid and resourceVersion
  berth get shop -o yaml
  berth get --environment staging
  berth get releases --environment staging
  berth get revisions shop`;

interface GetOptions {
  objects?: boolean;
  /** Only what is in this one; all of them when it was not given. */
  environment?: string;
}

export function addGet(program: Command, shell: Shell): void {
  const get = program
    .command('get')
    .argument('[name]', 'an application')
    .description('Show applications, releases or revisions.')
    .helpCommand(false)
    .option('--objects', 'list the objects in the members')
    .addHelpText('after', examples);
  shell.on<GetOptions>(get, async (session, [name], options) =>
    name === undefined ? await listApplications(session, options) : await getApplication(session, name, options),
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
  shell.on<GetOptions>(watch, async (session, [name], { environment }) => {
    const watched = name === undefined ? session.names.project : session.names.application(name);
    const only = environment === undefined ? undefined : session.names.environment;
    return await showWatch(session, watchedApplications(session, watched, only), name);
  });
}

async function listApplications(session: Session, { environment }: GetOptions): Promise<undefined> {
  const all = await everyPage(
    (page) => session.applications.listApplications({ parent: session.names.project, ...page }),
    (page) => page.applications,
  );
  const { names } = session;
  const applications =
    environment === undefined ? all : all.flatMap((application) => within(application, names.environment) ?? []);
  // Nothing in it: Berth knows whether it exists, and says NOT_FOUND when not.
  if (environment !== undefined && applications.length === 0)
    await session.applications.listReleases({ parent: names.environment, pageSize: 1 });
  session.show({
    schema: wire.ListApplicationsResponseSchema,
    message: create(wire.ListApplicationsResponseSchema, { applications }),
    names: applications.map(({ name }) => name),
    text: (look) => applicationTable(applications, look),
  });
}

async function getApplication(session: Session, name: string, options: GetOptions): Promise<undefined> {
  const { objects = false, environment } = options;
  const wide = session.settings.format === 'wide';
  const whole = await session.applications.getApplication({ name: session.names.application(name) });
  const application = environment === undefined ? whole : within(whole, session.names.environment);
  if (application === undefined) throw new Unfulfilled(`NOT_FOUND: ${name} is not in environment "${environment}"`);
  session.show({
    schema: wire.ApplicationSchema,
    message: application,
    names: [application.name],
    text: (look) => (objects ? objectTable(application, look) : applicationDetail(application, look, { wide })),
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
