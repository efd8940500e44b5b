import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits until its standard input closes: that is close(), or the end of our process however it came, SIGKILL too.
 * Then it stops the PostgreSQL whose postmaster.pid lies in the data folder, and removes the folder if it is ours.
 * $1 data folder, $2 folder to remove or nothing.
 */
const script = `
cat >/dev/null
pidfile="$1/postmaster.pid"
if [ -e "$pidfile" ]; then
  pid=$(head -n 1 "$pidfile")
  kill -INT "$pid" 2>/dev/null
  i=0
  while [ -e "$pidfile" ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done
  if [ -e "$pidfile" ]; then kill -KILL "$pid" 2>/dev/null; sleep 0.2; fi
fi
if [ -n "$2" ]; then
  i=0
  while [ -e "$2" ] && [ $i -lt 40 ]; do rm -rf "$2" 2>/dev/null; if [ -e "$2" ]; then sleep 0.05; fi; i=$((i+1)); done
fi
`;

export interface Watchdog {
  /** Stops PostgreSQL and cleans up; resolves when that is done. */
  release(): Promise<void>;
}

/** Started before there is anything to watch, so that no moment is unwatched. In a session of its own: Ctrl-C spares it. */
export const startWatchdog = (dataDir: string, remove: string | undefined): Watchdog => {
  const child: ChildProcess = spawn('/bin/sh', ['-c', script, 'berth-postgres-watchdog', dataDir, remove ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  child.unref();
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve());
    child.once('error', reject);
  });
  return {
    release: () => {
      child.ref();
      child.stdin?.end();
      return ended;
    },
  };
};
