import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '#domain';
import { StartupErrors } from '#platform';
import type { PackageSettings, PluginSettings, RemoteSettings } from './settings.js';

const whole = (least: number, most: number) => z.int().min(least).max(most);
const text = z.string().min(1);
const changes = [
  'cluster.registered',
  'cluster.relabelled',
  'cluster.tainted',
  'cluster.uncordoned',
  'cluster.capacity',
  'cluster.ready',
  'cluster.schema',
  'application.moved',
] as const;

/** As operators write it. */
const pluginEntry = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, 'allowed are 1 to 40 of a-z, 0-9 and "-", beginning with a letter'),
    version: z.string().min(1).max(120).optional(),
    package: text.optional(),
    memoryMb: whole(8, 4096).optional(),
    grpc: z
      .strictObject({
        address: z.string().regex(/^.+:[0-9]{1,5}$/, 'allowed is host:port'),
        tls: z
          .strictObject({
            authorityFile: text.optional(),
            certificateFile: text.optional(),
            privateKeyFile: text.optional(),
            serverName: text.optional(),
          })
          .optional(),
        tokenFile: text.optional(),
      })
      .optional(),
    timeoutMs: whole(1, 5_000).default(200),
    settings: z.custom<JsonObject>(isJsonObject, 'must be an object').default({}),
    filter: z
      .strictObject({
        onFailure: z.enum(['admit', 'refuse']),
        wakeOn: z.array(z.enum(changes)).default(['cluster.registered', 'cluster.relabelled']),
        askAgainSeconds: whole(1, 3600).default(30),
      })
      .optional(),
    score: z.strictObject({ weight: whole(1, 100), onFailure: whole(0, 1000) }).optional(),
  })
  .superRefine((entry, context) => {
    const wrong = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if ((entry.package === undefined) === (entry.grpc === undefined))
      wrong([], 'has to have one of "package" and "grpc"');
    if (entry.filter === undefined && entry.score === undefined) wrong([], 'has to have "filter" or "score", or both');
    if (entry.memoryMb !== undefined && entry.package === undefined) wrong(['memoryMb'], 'is for packages');
    const { certificateFile, privateKeyFile } = entry.grpc?.tls ?? {};
    if ((certificateFile === undefined) !== (privateKeyFile === undefined))
      wrong(['grpc', 'tls'], '"certificateFile" and "privateKeyFile" go together');
  });

const pluginsFile = z.strictObject({ plugins: z.array(pluginEntry).max(16) }).superRefine(({ plugins }, context) => {
  for (const [at, { name }] of plugins.entries())
    if (plugins.findIndex((each) => each.name === name) < at)
      context.addIssue({ code: 'custom', path: ['plugins', at, 'name'], message: `"${name}" is there twice` });
});

type Entry = z.infer<typeof pluginEntry>;

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');

/**
 * Reads the file that `BERTH_PLUGINS` names: YAML or JSON. Paths in it are relative to it.
 *
 * @throws StartupErrors with a line for each field that is wrong.
 */
export async function readPluginsFile(path: string): Promise<PluginSettings[]> {
  const where = (field: string, what: string): string =>
    `BERTH_PLUGINS ${path}: ${field === '' ? '' : `${field}: `}${what}`;
  const fail = (...lines: string[]): never => {
    throw new StartupErrors(lines);
  };
  const content = await readFile(path, 'utf8').catch((error: Error) =>
    fail(where('', `cannot be read: ${error.message}`)),
  );
  let read: unknown;
  try {
    read = parse(content, { maxAliasCount: 100 });
  } catch (error) {
    return fail(where('', `is neither YAML nor JSON: ${error instanceof Error ? error.message.split('\n')[0] : ''}`));
  }
  const parsed = pluginsFile.safeParse(read);
  if (!parsed.success) return fail(...parsed.error.issues.map((issue) => where(pathText(issue.path), issue.message)));
  const lines: string[] = [];
  const found: PluginSettings[] = [];
  for (const [at, entry] of parsed.data.plugins.entries()) {
    try {
      found.push(await settingsOf(entry, dirname(resolve(path))));
    } catch (error) {
      if (!(error instanceof WrongFile)) throw error;
      lines.push(where(`plugins[${at}].${error.field}`, error.message));
    }
  }
  return lines.length > 0 ? fail(...lines) : found;
}

class WrongFile extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

const fileOf = (folder: string, path: string, field: string): Promise<Buffer> =>
  readFile(resolve(folder, path)).catch((error: Error) => {
    throw new WrongFile(field, `${path} cannot be read: ${error.message}`);
  });

async function settingsOf(entry: Entry, folder: string): Promise<PluginSettings> {
  const { name, version = '', timeoutMs, settings, filter, score } = entry;
  return {
    engine: {
      ...{ name, version },
      ...(filter === undefined ? {} : { filter: { onFailure: filter.onFailure, wakeOn: filter.wakeOn } }),
      ...(score === undefined ? {} : { score }),
    },
    ...{ timeoutMs, settings },
    askAgainMs: (filter?.askAgainSeconds ?? 30) * 1000,
    runs: entry.grpc === undefined ? await packageOf(entry, folder) : await serverOf(entry.grpc, folder),
  };
}

async function serverOf(
  { address, tls, tokenFile }: NonNullable<Entry['grpc']>,
  folder: string,
): Promise<RemoteSettings> {
  const token = tokenFile && (await fileOf(folder, tokenFile, 'grpc.tokenFile')).toString('utf8').trim();
  const pem = async (key: 'authorityFile' | 'certificateFile' | 'privateKeyFile') =>
    tls?.[key] === undefined ? undefined : await fileOf(folder, tls[key], `grpc.tls.${key}`);
  const [authority, certificate, privateKey] = [
    await pem('authorityFile'),
    await pem('certificateFile'),
    await pem('privateKeyFile'),
  ];
  return {
    ...{ as: 'grpc', address, token },
    tls: tls && {
      ...(authority && { authority }),
      ...(certificate && { certificate }),
      ...(privateKey && { privateKey }),
      ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
    },
  };
}

/** What of a package.json is read. */
const manifest = z.looseObject({
  version: z.string().optional(),
  main: z.string().optional(),
  exports: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
});

/** The module that `import` would take: of `exports` its `.`, by the conditions `import`, `node` and `default`. */
function entryOf({ main, exports }: z.infer<typeof manifest>): string {
  let target: unknown = exports;
  for (let depth = 0; depth < 4 && isJsonObject(target); depth++)
    target = target['.'] ?? target.import ?? target.node ?? target.default;
  return typeof target === 'string' ? target : (main ?? 'index.js');
}

/** `package` is a module's file, or the folder of a package. */
async function packageOf({ package: path = '', memoryMb = 64 }: Entry, folder: string): Promise<PackageSettings> {
  let module = resolve(folder, path);
  let version = '';
  const isFolder = (await stat(module).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) {
    const text = (await fileOf(module, 'package.json', 'package')).toString('utf8');
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new WrongFile('package', `${join(path, 'package.json')} is no JSON`);
    }
    const read = manifest.safeParse(json);
    if (!read.success) throw new WrongFile('package', `${join(path, 'package.json')} is not that of a package`);
    version = read.data.version ?? '';
    module = resolve(module, entryOf(read.data));
  }
  if ((await stat(module).catch(() => undefined))?.isFile() !== true)
    throw new WrongFile('package', `there is no file ${module}`);
  return { as: 'package', module: pathToFileURL(module).href, version, memoryMb };
}
