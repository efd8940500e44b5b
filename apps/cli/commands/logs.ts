import { type Command, InvalidArgumentError } from 'commander';
import { wire } from '#contract';
import { exitCodes, Unfulfilled, UsageError } from '../failure.js';
import type { Session } from '../session.js';
import { jsonOf } from '../session.js';
import type { Shell } from '../shell.js';
import { logPrinter } from '../text/logs.js';

const examples = `
Examples:
  berth logs shop                     everything that its pods have printed, in every cluster
  berth logs -f shop                  and whatever they print from now on, until Ctrl-C
  berth logs shop -c web --tail 20
  berth logs shop --cluster frankfurt --since 10m --timestamps
  berth logs shop --pod web-5d9c7-x2x4z --container proxy --previous`;

interface LogsOptions {
  component?: string;
  cluster?: string;
  pod?: string;
  container?: string;
  follow?: boolean;
  tail?: bigint;
  since?: { seconds: bigint; nanos: number };
  sinceTime?: { seconds: bigint; nanos: number };
  previous?: boolean;
  timestamps?: boolean;
  /** False with --no-prefix. */
  prefix: boolean;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `10m`, `1h30m`. */
export function durationOf(text: string): { seconds: bigint; nanos: number } {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
  if (parts.map(([part]) => part).join('') !== text || seconds === 0)
    throw new InvalidArgumentError('allowed is a time like 30s, 10m or 1h30m.');
  return { seconds: BigInt(seconds), nanos: 0 };
}

function instantOf(text: string): { seconds: bigint; nanos: number } {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('allowed is a time like 2026-11-22T19:00:00Z.');
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}

/** -1 is all, as with kubectl. */
function linesOf(text: string): bigint {
  if (!/^(-1|\d+)$/.test(text)) throw new InvalidArgumentError('allowed is a number of lines, or -1 for all.');
  return BigInt(text);
}

export function addLogs(program: Command, shell: Shell): void {
  const logs = program
    .command('logs')
    .argument('<name>', 'an application, or application/component')
    .description('Show what an application’s pods print, in all clusters at once.')
    .option('-c, --component <component>', 'only this component')
    .option('--cluster <cluster>', 'only in this cluster')
    .option('--pod <pod>', 'only this pod')
    .option('--container <container>', 'only this container of each pod')
    .option('-f, --follow', 'go on as more is printed, until Ctrl-C')
    .option('--tail <lines>', 'so many lines of each container, from the end', linesOf)
    .option('--since <time>', 'nothing older, like 10m', durationOf)
    .option('--since-time <time>', 'nothing older, like 2026-11-22T19:00:00Z', instantOf)
    .option('-p, --previous', 'of the containers before their last restart')
    .option('--timestamps', 'begin each line with its time')
    .option('--no-prefix', 'leave out which pod printed a line')
    .addHelpText('after', examples);
  shell.on<LogsOptions>(logs, async (session, [name = ''], options) => await showLogs(session, name, options));
}

/** `shop/web` is application and component. */
export function splitTarget(name: string, component = ''): { application: string; component: string } {
  const [application = '', within = '', ...more] = name.split('/');
  if (more.length > 0 || (within !== '' && component !== '' && within !== component))
    throw new UsageError(`"${name}" is no application/component`);
  return { application, component: within || component };
}

async function showLogs(session: Session, name: string, options: LogsOptions): Promise<number> {
  const { io, settings, names } = session;
  const { application, component } = splitTarget(name, options.component);
  const { tail, since, sinceTime, follow = false, previous = false, timestamps = false } = options;
  const printer = logPrinter(session.look(), { prefix: options.prefix });
  const failures: string[] = [];
  const request = {
    name: names.application(application),
    environment: settings.environment,
    component,
    cluster: options.cluster === undefined ? '' : names.cluster(options.cluster),
    pod: options.pod ?? '',
    container: options.container ?? '',
    follow,
    previous,
    timestamps,
    ...(tail === undefined || tail < 0n ? {} : { tailLines: tail }),
    ...(since === undefined ? {} : { since }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
  for await (const message of session.workloads.readLogs(request, { signal: io.signal })) {
    if (settings.format === 'json') session.say(JSON.stringify(jsonOf(wire.ReadLogsResponseSchema, message)));
    else if (message.event.case === 'lines') io.out.write(printer.lines(message.source, message.event.value));
    else if (message.event.case === 'end' && message.event.value.code !== '') {
      const line = printer.ending(message.source, message.event.value);
      failures.push(line);
      io.err.write(`${line}\n`);
    }
  }
  if (failures.length > 0) throw new Unfulfilled('not everything could be read');
  return exitCodes.ok;
}
