import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Reads process ids, the last counts, until its standard input closes: that is release(), or the end of our process
 * however it came, SIGKILL too. Then it stops that PostgreSQL, if the data folder's postmaster.pid says that it is the
 * one which runs there, and removes the folder if it is ours.
 * $1 data folder, $2 folder to remove or nothing.
 */
const script = `
pid=none
while read -r line; do pid=$line; done
pidfile="$1/postmaster.pid"
if [ "$(head -n 1 "$pidfile" 2>/dev/null)" = "$pid" ]; then
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
  /** Says which PostgreSQL is ours; nobody else's is ever stopped. */
  watch(pid: number): void;
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
    watch: (pid) => {
      child.stdin?.write(`${pid}\n`);
    },
    release: () => {
      child.ref();
      child.stdin?.end();
      return ended;
    },
  };
};
