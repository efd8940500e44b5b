import { fieldsAt, isFields, type Pod } from '../objects.js';
import type { ServerChannels } from './channels.js';
import { type CommandIo, NoSuchProgram, runCommand } from './commands.js';
import { throughTerminal } from './terminal.js';

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4 } as const;

export interface ExecRequest {
  container: string;
  command: readonly string[];
  tty: boolean;
}

function envOf(pod: Pod, container: string): Record<string, string> {
  const found = pod.spec.containers.find(({ name }) => name === container);
  const declared: unknown = fieldsAt(found).env;
  const pairs = (Array.isArray(declared) ? declared.filter(isFields) : []).map(({ name, value }) => [name, value]);
  return { HOSTNAME: pod.metadata.name, ...Object.fromEntries(pairs.filter(([, value]) => typeof value === 'string')) };
}

function statusOf(code: number) {
  const common = { metadata: {}, kind: 'Status', apiVersion: 'v1' };
  if (code === 0) return { ...common, status: 'Success' };
  return {
    ...common,
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: `${code}` }] },
  };
}

const failed = (message: string) => ({
  metadata: {},
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message,
  reason: 'InternalError',
  code: 500,
});

/** Pretends to run a command, over a websocket of channels. */
export async function serveExec(pod: Pod, request: ExecRequest, socket: ServerChannels): Promise<void> {
  const { command, tty } = request;
  let size = { columns: 80, rows: 24 };
  void (async () => {
    for (let told = await socket.receive(channels.resize); told; told = await socket.receive(channels.resize)) {
      const { Width, Height } = JSON.parse(Buffer.from(told).toString('utf8')) as { Width: number; Height: number };
      size = { columns: Width, rows: Height };
    }
  })();
  const io: CommandIo = {
    out: (text) => socket.send(channels.stdout, Buffer.from(text)),
    err: (text) => socket.send(channels.stderr, Buffer.from(text)),
    read: () => socket.receive(channels.stdin),
    env: envOf(pod, request.container),
    size: () => size,
    isClosed: () => socket.isClosed,
  };
  const status = await endOf(command, tty ? throughTerminal(io) : io);
  await socket.send(channels.status, Buffer.from(JSON.stringify(status)));
  socket.close();
}

async function endOf(command: readonly string[], io: CommandIo) {
  try {
    return statusOf(await runCommand(command, io));
  } catch (error) {
    if (error instanceof NoSuchProgram) return failed(error.message);
    throw error;
  }
}
