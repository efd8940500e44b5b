import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * The content of a secret file; made whole when it is not there (0600, in a directory of 0700). Of several processes
 * that make it at once, all read what the first one made.
 */
export async function readOrMakeFile(directory: string, name: string, make: () => Promise<string>): Promise<string> {
  const path = join(directory, name);
  const found = await readIfThere(path);
  if (found !== undefined) return found;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.draft`;
  try {
    await writeFile(draft, await make(), { mode: 0o600, flag: 'w' });
    await link(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}
