import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');

export interface CompiledProgram {
  /** Path of the program, for `node`. */
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Compiles a file of this lib and puts a small program beside it, so that a test can run it as a process of its own
 * and kill that. `text` imports the file as `./libs/platform/….js`. Only for files that import no other lib.
 */
export const compileProgram = async (source: string, text: string): Promise<CompiledProgram> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-program-'));
  await chmod(folder, 0o755);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const flags = ['--ignoreConfig', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', '--types', 'node'];
  const compiler = join(root, 'node_modules/.bin/tsc');
  await run(compiler, [...flags, '--outDir', folder, '--rootDir', root, join(root, 'libs/platform', source)], {
    cwd: root,
  });
  const path = join(folder, 'program.js');
  await writeFile(path, text);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
};
