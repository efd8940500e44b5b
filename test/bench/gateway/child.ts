import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Commands by name: what is asked and what is answered. Everything is plain data. */
export type Commands = Record<string, { ask: object; answer: unknown }>;

interface Question {
  id: number;
  name: string;
  ask: unknown;
}

type Reply = { id: number; answer: unknown } | { id: number; error: string };

/** A process of our own that answers commands. */
export interface Worker<C extends Commands> {
  readonly pid: number;
  ask<K extends keyof C & string>(name: K, ask: C[K]['ask']): Promise<C[K]['answer']>;
  /** Ends it, however it does. */
  end(): Promise<void>;
}

const isReply = (message: unknown): message is Reply =>
  typeof message === 'object' && message !== null && 'id' in message && ('answer' in message || 'error' in message);

const isQuestion = (message: unknown): message is Question =>
  typeof message === 'object' && message !== null && 'id' in message && 'name' in message && 'ask' in message;

/** `env`: besides our own. */
export function startWorker<C extends Commands>(
  program: string,
  execArgv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Worker<C> {
  const child: ChildProcess = fork(program, [], {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  let asked = 0;
  child.on('message', (message: unknown) => {
    if (!isReply(message)) return;
    const asker = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) asker?.reject(new Error(message.error));
    else asker?.resolve(message.answer);
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${program} ended with ${code ?? signal}`));
    waiting.clear();
  });
  return {
    pid: child.pid ?? 0,
    ask: (name, ask) =>
      new Promise((resolve, reject) => {
        asked += 1;
        waiting.set(asked, { resolve, reject });
        child.send({ id: asked, name, ask } satisfies Question);
      }),
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (child.connected) child.disconnect();
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(patience);
    },
  };
}

type Handlers<C extends Commands> = { [K in keyof C]: (ask: C[K]['ask']) => Promise<C[K]['answer']> };

/** The worker's side: answers until the bench goes away; `onEnd` closes what is open. */
export function serveCommands<C extends Commands>(handlers: Handlers<C>, onEnd: () => Promise<void>): void {
  process.on('message', (message: unknown) => {
    if (!isQuestion(message)) return;
    const { id, name, ask } = message;
    const handle = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    const reply = (body: Reply) => process.send?.(body);
    if (handle === undefined) return void reply({ id, error: `no command "${name}"` });
    handle(ask as C[string]['ask']).then(
      (answer) => reply({ id, answer }),
      (error: unknown) => reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => void onEnd().finally(() => process.exit(0)));
}
