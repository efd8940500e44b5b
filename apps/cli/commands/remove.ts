import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { wire } from '#contract';
import { exitCodes, Unfulfilled, UsageError } from '../failure.js';
import { everyPage } from '../pages.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { idOf } from '../text/figures.js';
import { operationTable } from '../text/tenancy.js';
import { untilGone } from '../watching/outcome.js';
import { spanOf } from './apply.js';

interface DeleteOptions {
  yes?: boolean;
  wait?: boolean;
  timeout: string;
  etag?: string;
  requestId?: string;
}

export function addDelete(program: Command, shell: Shell): void {
  const command = program
    .command('delete')
    .argument('<name>', 'an application')
    .description('Take an application away from every environment and every cluster.')
    .option('-y, --yes', 'do not ask')
    .option('--wait', 'wait until every member has confirmed that it is gone')
    .option('--timeout <span>', 'how long to wait, like 90s or 5m', '5m')
    .option('--etag <etag>', 'only if the application still has this etag')
    .option('--request-id <id>', 'repeating a request with the same id has no further effect');
  shell.on<DeleteOptions>(command, deleteApplication);
}

/** Asks a person. Without one, it has to be said beforehand. */
export async function confirm(session: Session, what: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return;
  if (session.io.ask === undefined) throw new UsageError(`nobody is here to confirm: ${what} with --yes`);
  const answer = await session.io.ask(`${what}? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Unfulfilled('nothing was changed');
}

async function deleteApplication(
  session: Session,
  [id = '']: readonly string[],
  options: DeleteOptions,
): Promise<number> {
  const timeoutMs = spanOf(options.timeout);
  const name = session.names.application(id);
  await confirm(session, `delete ${id} from every environment`, options.yes);
  const operation = await session.applications.deleteApplication({
    name,
    etag: options.etag ?? '',
    requestId: options.requestId ?? '',
  });
  session.show({
    schema: wire.OperationSchema,
    message: operation,
    names: [operation.name],
    text: ({ palette }) => [
      `application ${palette.bold(id)} ${operation.done ? 'is gone' : `is being deleted (operation ${idOf(operation.name)})`}`,
    ],
  });
  if (options.wait !== true || operation.done) return exitCodes.ok;
  if ((await untilGone(session, name, timeoutMs)) === undefined) return exitCodes.interrupted;
  session.remark(`${id} is gone from every cluster`);
  return exitCodes.ok;
}

export function addOperations(program: Command, shell: Shell): void {
  const command = program
    .command('operations')
    .alias('operation')
    .argument('[id]', 'one of them')
    .option('--fleet', 'the fleet’s, for operators, not the tenant’s')
    .description('Show long work with its progress.');
  shell.on<{ fleet?: boolean }>(command, async (session, [id], { fleet = false }) => {
    const parent = fleet ? '' : `tenants/${session.settings.tenant}`;
    return id === undefined ? await listOperations(session, parent) : await getOperation(session, parent, id);
  });
}

async function listOperations(session: Session, parent: string): Promise<undefined> {
  const operations = await everyPage(
    (page) => session.operations.listOperations({ parent, ...page }),
    (page) => page.operations,
  );
  session.show({
    schema: wire.ListOperationsResponseSchema,
    message: create(wire.ListOperationsResponseSchema, { operations }),
    names: operations.map(({ name }) => name),
    text: (look) => operationTable(operations, look),
  });
}

async function getOperation(session: Session, parent: string, id: string): Promise<undefined> {
  const name = id.includes('/') ? id : `${parent === '' ? '' : `${parent}/`}operations/${id}`;
  const operation = await session.operations.getOperation({ name });
  session.show({
    schema: wire.OperationSchema,
    message: operation,
    names: [operation.name],
    text: (look) => operationTable([operation], look),
  });
}
