import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What is in a cluster's folder beside its identity. */
const kubeconfigName = 'kubeconfig';
const tokenName = 'token';

/** What an operator put into a cluster's folder. */
export interface FolderContent {
  yaml: string;
  /** One-use, for the first start. */
  token: string | undefined;
}

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(`${error.code}`);

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Undefined while there is no kubeconfig. Throws what the file system says. */
export async function readFolder(folder: string): Promise<FolderContent | undefined> {
  const yaml = await readIfThere(join(folder, kubeconfigName));
  if (yaml === undefined) return undefined;
  const token = (await readIfThere(join(folder, tokenName)))?.trim();
  return { yaml, token: token === '' ? undefined : token };
}

/** The token is spent: the identity serves from now on. */
export const forgetToken = (folder: string): Promise<void> => rm(join(folder, tokenName), { force: true });

/** Equal while nobody has changed the kubeconfig or brought another token. */
async function stampOf(folder: string): Promise<string | undefined> {
  const files = [kubeconfigName, tokenName].map(async (name) => {
    try {
      const { mtimeMs, size, ino } = await stat(join(folder, name));
      return `${mtimeMs} ${size} ${ino}`;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return '';
      throw error;
    }
  });
  const [kubeconfig, token] = await Promise.all(files);
  return kubeconfig === '' ? undefined : `${kubeconfig} ${token}`;
}

/** Folders with a kubeconfig, each with a stamp of its content. Names with a dot in front are being written. */
export async function listFolders(directory: string): Promise<Map<string, string>> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.'));
  const stamps = await Promise.all(names.map(async (name) => [name, await stampOf(join(directory, name))] as const));
  return new Map(stamps.filter((each): each is [string, string] => each[1] !== undefined));
}
