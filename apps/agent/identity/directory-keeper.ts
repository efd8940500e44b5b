import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '#domain';
import type { AgentIdentity, IdentityKeeper } from './identity.js';

const fields = ['privateKey', 'certificate', 'authority', 'cluster'] as const;

function identityFrom(text: string): AgentIdentity | undefined {
  const read: unknown = JSON.parse(text);
  if (!isJsonObject(read)) return undefined;
  const [privateKey, certificate, authority, cluster] = fields.map((field) => read[field]);
  const all = [privateKey, certificate, authority, cluster];
  if (!all.every((value) => typeof value === 'string')) return undefined;
  return {
    privateKey: `${privateKey}`,
    certificate: `${certificate}`,
    authority: `${authority}`,
    cluster: `${cluster}`,
    ...optional(read, 'token'),
    ...optional(read, 'member'),
  };
}

const optional = (read: JsonObject, field: 'token' | 'member') =>
  typeof read[field] === 'string' ? { [field]: read[field] } : {};

/** Keeps the identity in one file for the owner alone (0600, in a directory of 0700); replaced whole or not at all. */
export function directoryKeeper(directory: string): IdentityKeeper {
  const path = join(directory, 'identity.json');
  return {
    load: async () => {
      try {
        return identityFrom(await readFile(path, 'utf8'));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    save: async (identity) => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const draft = `${path}.${process.pid}.draft`;
      await writeFile(draft, `${JSON.stringify(identity, undefined, 2)}\n`, { mode: 0o600 });
      await rename(draft, path);
    },
  };
}
