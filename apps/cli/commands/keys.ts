import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Command, Option } from 'commander';
import { wire } from '#contract';
import { UsageError } from '../failure.js';
import { everyPage } from '../pages.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { readSpan } from '../text/figures.js';
import { roleWord } from '../text/phases.js';
import { keyTable } from '../text/tenancy.js';
import { confirm } from './remove.js';

const roles = {
  viewer: wire.Role.VIEWER,
  developer: wire.Role.DEVELOPER,
  owner: wire.Role.OWNER,
  operator: wire.Role.OPERATOR,
} as const;
type RoleWord = keyof typeof roles;

interface KeyOptions {
  role: RoleWord;
  displayName?: string;
  bound?: boolean;
  expires?: string;
}

/** Operators' keys belong to no tenant. */
const parentOf = (session: Session, operators: boolean): string =>
  operators ? '' : `tenants/${session.settings.tenant}`;

export function addKeys(program: Command, shell: Shell): void {
  const key = program.command('key').alias('keys').description('API keys.');
  const make = key
    .command('create')
    .description('Make a key; it is shown once.')
    .addOption(new Option('--role <role>', 'what it may do').choices(Object.keys(roles)).default('developer'))
    .option('--display-name <text>', 'what people call it')
    .option('--bound', 'bind it to the project')
    .option('--expires <span>', 'ends after so long, like 12h or 90d');
  shell.on<KeyOptions>(make, async (session, _args, options) => await createKey(session, options));
  const list = key
    .command('list', { isDefault: true })
    .option('--operators', 'operators’ keys, not the tenant’s')
    .description('Keys, without their secrets.');
  shell.on<{ operators?: boolean }>(list, async (session, _args, { operators = false }) => {
    const keys = await everyPage(
      (page) => session.tenancy.listApiKeys({ parent: parentOf(session, operators), ...page }),
      (page) => page.apiKeys,
    );
    session.show({
      schema: wire.ListApiKeysResponseSchema,
      message: create(wire.ListApiKeysResponseSchema, { apiKeys: keys }),
      names: keys.map(({ name }) => name),
      text: (look) => keyTable(keys, look),
    });
    return undefined;
  });
  addRevoke(key, shell);
}

async function createKey(session: Session, options: KeyOptions): Promise<undefined> {
  const ms = options.expires === undefined ? undefined : readSpan(options.expires);
  if (options.expires !== undefined && (ms === undefined || ms === 0))
    throw new UsageError(`--expires is "${options.expires}"; allowed is a span like 12h or 90d`);
  const answer = await session.tenancy.createApiKey({
    parent: parentOf(session, options.role === 'operator'),
    role: roles[options.role],
    displayName: options.displayName ?? '',
    project: options.bound === true ? session.names.project : '',
    ...(ms === undefined ? {} : { expireTime: timestampFromMs(session.io.clock.now() + ms) }),
  });
  session.show({
    schema: wire.CreateApiKeyResponseSchema,
    message: answer,
    names: [answer.apiKey?.name ?? ''],
    text: () => [
      `${roleWord(answer.apiKey?.role ?? wire.Role.UNSPECIFIED)}’s key, shown this once:`,
      `  ${answer.secret}`,
    ],
  });
}

function addRevoke(key: Command, shell: Shell): void {
  const revoke = key
    .command('revoke')
    .argument('<key>', 'its id')
    .option('--operators', 'it is an operator’s key')
    .option('-y, --yes', 'do not ask')
    .description('End a key; calls that carry it are refused from then on.');
  shell.on<{ operators?: boolean; yes?: boolean }>(revoke, async (session, [id = ''], { operators = false, yes }) => {
    const parent = parentOf(session, operators);
    await confirm(session, `revoke key ${id}`, yes);
    const name = id.includes('/') ? id : `${parent === '' ? '' : `${parent}/`}apiKeys/${id}`;
    const revoked = await session.tenancy.revokeApiKey({ name });
    session.show({
      schema: wire.ApiKeySchema,
      message: revoked,
      names: [revoked.name],
      text: () => [`key ${id} revoked`],
    });
    return undefined;
  });
}
