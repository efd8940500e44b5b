import { create } from '@bufbuild/protobuf';
import { type Command, InvalidArgumentError } from 'commander';
import { wire } from '#contract';
import { everyPage } from '../pages.js';
import type { Shell } from '../shell.js';
import { idOf } from '../text/figures.js';
import { environmentTable, projectTable, tenantTable } from '../text/tenancy.js';

interface WeightOptions {
  weight: number;
  requestId?: string;
}

function addWeight(tenant: Command, shell: Shell): void {
  const set = tenant
    .command('set')
    .argument('<tenant>')
    .description('Set how much of a scarce fleet a tenant gets beside the others (operators).')
    .requiredOption('--weight <number>', '1 to 1000; twice the weight is twice the share', wholeNumber)
    .option('--request-id <id>', 'repeating a request with the same id has no further effect')
    .addHelpText('after', '\nExample:\n  berth tenant set shop --weight 3');
  shell.on<WeightOptions>(set, async (session, [id = ''], { weight, requestId = '' }) => {
    const tenant = await session.tenancy.setTenantWeight({ name: `tenants/${id}`, weight, requestId });
    session.show({
      schema: wire.TenantSchema,
      message: tenant,
      names: [tenant.name],
      text: (look) => tenantTable([tenant], look),
    });
    return undefined;
  });
}

interface CreateOptions {
  displayName?: string;
  requestId?: string;
}

const creation = (parent: Command, what: string, argument: string): Command =>
  parent
    .command('create')
    .argument(argument, 'a DNS label')
    .description(what)
    .option('--display-name <text>', 'what people call it')
    .option('--request-id <id>', 'repeating a request with the same id has no further effect');

const texts = ({ displayName = '', requestId = '' }: CreateOptions) => ({ displayName, requestId });

export function addTenants(program: Command, shell: Shell): void {
  const tenant = program.command('tenant').alias('tenants').description('Tenants (operators make them).');
  const make = creation(tenant, 'Make a tenant with a project, an environment and an owner’s key.', '<tenant>');
  shell.on<CreateOptions>(make, async (session, [id = ''], options) => {
    const answer = await session.tenancy.createTenant({ tenantId: id, ...texts(options) });
    session.show({
      schema: wire.CreateTenantResponseSchema,
      message: answer,
      names: [answer.tenant?.name ?? ''],
      text: ({ palette }) => [
        `tenant ${palette.bold(id)} created; its owner’s key, shown this once:`,
        `  ${answer.ownerKeySecret}`,
      ],
    });
    return undefined;
  });
  addWeight(tenant, shell);
  shell.on(
    tenant.command('list', { isDefault: true }).description('All tenants that you may see.'),
    async (session) => {
      const tenants = await everyPage(
        (page) => session.tenancy.listTenants(page),
        (page) => page.tenants,
      );
      session.show({
        schema: wire.ListTenantsResponseSchema,
        message: create(wire.ListTenantsResponseSchema, { tenants }),
        names: tenants.map(({ name }) => name),
        text: (look) => tenantTable(tenants, look),
      });
      return undefined;
    },
  );
}

export function addProjects(program: Command, shell: Shell): void {
  const project = program.command('project').alias('projects').description('A tenant’s projects, with quota and use.');
  const make = creation(project, 'Make a project with a default environment.', '<project>');
  shell.on<CreateOptions>(make, async (session, [id = ''], options) => {
    const parent = `tenants/${session.settings.tenant}`;
    const made = await session.tenancy.createProject({ parent, projectId: id, ...texts(options) });
    session.show({
      schema: wire.ProjectSchema,
      message: made,
      names: [made.name],
      text: () => [`project ${id} created`],
    });
    return undefined;
  });
  shell.on(project.command('list', { isDefault: true }).description('The tenant’s projects.'), async (session) => {
    const parent = `tenants/${session.settings.tenant}`;
    const projects = await everyPage(
      (page) => session.tenancy.listProjects({ parent, ...page }),
      (page) => page.projects,
    );
    session.show({
      schema: wire.ListProjectsResponseSchema,
      message: create(wire.ListProjectsResponseSchema, { projects }),
      names: projects.map(({ name }) => name),
      text: (look) => projectTable(projects, look),
    });
    return undefined;
  });
}

export function addEnvironments(program: Command, shell: Shell): void {
  const environment = program
    .command('environment')
    .aliases(['environments', 'env'])
    .description('A project’s environments.');
  shell.on<CreateOptions>(
    creation(environment, 'Make an environment.', '<environment>'),
    async (session, [id = ''], options) => {
      const parent = session.names.project;
      const made = await session.tenancy.createEnvironment({ parent, environmentId: id, ...texts(options) });
      session.show({
        schema: wire.EnvironmentSchema,
        message: made,
        names: [made.name],
        text: () => [`environment ${idOf(made.name)} created; its namespace in members is ${made.namespace}`],
      });
      return undefined;
    },
  );
  const list = environment.command('list', { isDefault: true }).description('The project’s environments.');
  shell.on(list, async (session) => {
    const parent = session.names.project;
    const environments = await everyPage(
      (page) => session.tenancy.listEnvironments({ parent, ...page }),
      (page) => page.environments,
    );
    session.show({
      schema: wire.ListEnvironmentsResponseSchema,
      message: create(wire.ListEnvironmentsResponseSchema, { environments }),
      names: environments.map(({ name }) => name),
      text: (look) => environmentTable(environments, look),
    });
    return undefined;
  });
}

interface QuotaOptions {
  cpu?: string;
  memory?: string;
  pods?: number;
  requestId?: string;
}

export function addQuota(program: Command, shell: Shell): void {
  const set = program
    .command('quota')
    .description('What a project may use (operators).')
    .command('set')
    .description('Set the quota of the project that --tenant and --project name; what is left out has no limit.')
    .option('--cpu <amount>', 'like 16 or 500m')
    .option('--memory <amount>', 'like 64Gi')
    .option('--pods <count>', 'a whole number', wholeNumber)
    .option('--request-id <id>', 'repeating a request with the same id has no further effect')
    .addHelpText(
      'after',
      '\nExample:\n  berth quota set --tenant shop --project web --cpu 16 --memory 64Gi --pods 200',
    );
  shell.on<QuotaOptions>(set, async (session, _args, { cpu = '', memory = '', pods, requestId = '' }) => {
    const quota = { cpu, memory, ...(pods === undefined ? {} : { pods: BigInt(pods) }) };
    const project = await session.tenancy.setQuota({ name: session.names.project, quota, requestId });
    session.show({
      schema: wire.ProjectSchema,
      message: project,
      names: [project.name],
      text: (look) => projectTable([project], look),
    });
    return undefined;
  });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Allowed is a whole number.');
  return Number(text);
}
