import type { Command } from 'commander';
import type { wire } from '#contract';
import type { ClientBidi } from '#platform/client';
import { exitCodes, UsageError } from '../failure.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import type { Input } from '../terminal.js';
import { splitTarget } from './logs.js';

const examples = `
Examples:
  berth exec shop/web -- env                       in a ready pod of the component
  berth exec -it shop/web --cluster frankfurt -- sh
  berth exec shop/web --cluster frankfurt --pod web-5d9c7-x2x4z -c proxy -- cat /etc/hosts
  echo hello | berth exec -i shop/web -- cat`;

interface ExecOptions {
  cluster?: string;
  pod?: string;
  container?: string;
  stdin?: boolean;
  tty?: boolean;
}

type Stream = ClientBidi<typeof wire.ExecRequestSchema, typeof wire.ExecResponseSchema>;

export function addExec(program: Command, shell: Shell): void {
  const exec = program
    .command('exec')
    .argument('<name>', 'an application, or application/component')
    .argument('<command...>', 'after --: a program and its arguments')
    .description('Run a command in a container; its exit code is that of berth.')
    .option('--cluster <cluster>', 'in this cluster')
    .option('--pod <pod>', 'in this pod; else in a ready one')
    .option('-c, --container <container>', 'in this container; else in the only one')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'with a terminal')
    .addHelpText('after', examples);
  shell.on<ExecOptions>(
    exec,
    async (session, [name = '', ...command], options) => await run(session, name, command, options),
  );
}

async function run(session: Session, name: string, command: readonly string[], options: ExecOptions): Promise<number> {
  const { io, names, settings } = session;
  const { application, component } = splitTarget(name);
  const { stdin = false, tty = false } = options;
  if (stdin && io.input === undefined) throw new UsageError('there is no standard input to pass on');
  const input = io.input;
  const isTerminal = tty && input?.isTTY === true;
  if (tty && !isTerminal) io.err.write('no terminal is here, so the command gets none\n');
  const target = {
    name: names.application(application),
    environment: settings.environment,
    component,
    cluster: options.cluster === undefined ? '' : names.cluster(options.cluster),
    pod: options.pod ?? '',
  };
  // In raw mode Ctrl-C is a key like others, and goes to the command.
  const stream: Stream = session.workloads.exec(isTerminal && stdin ? {} : { signal: io.signal });
  const size = isTerminal && input !== undefined ? { size: input.size() } : {};
  const start = { target, container: options.container ?? '', command: [...command], tty: isTerminal, stdin, ...size };
  await stream.write({ message: { case: 'start', value: start } });
  const release = stdin && input !== undefined ? passInput(stream, input, isTerminal) : () => undefined;
  try {
    return await passOutput(session, stream);
  } finally {
    release();
  }
}

/** Answers how to give the terminal back. */
function passInput(stream: Stream, input: Input, isTerminal: boolean): () => void {
  if (isTerminal) input.setRaw(true);
  const resized = () => {
    void stream.write({ message: { case: 'resize', value: input.size() } }).catch(() => undefined); // it has ended
  };
  const forget = isTerminal ? input.onResize(resized) : () => undefined;
  const passing = async () => {
    for await (const bytes of input.bytes) await stream.write({ message: { case: 'stdin', value: bytes } });
    await stream.write({ message: { case: 'stdinEnd', value: {} } });
  };
  void passing().catch(() => undefined); // the command has ended: what is left is not read
  return () => {
    forget();
    if (isTerminal) input.setRaw(false);
    input.close();
  };
}

async function passOutput({ io }: Session, stream: Stream): Promise<number> {
  for await (const { message } of stream.messages)
    if (message.case === 'stdout') io.out.write(message.value);
    else if (message.case === 'stderr') io.err.write(message.value);
    else if (message.case === 'exitCode') return message.value;
  return io.signal.aborted ? exitCodes.interrupted : exitCodes.failed;
}
