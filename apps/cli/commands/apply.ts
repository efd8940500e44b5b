import { basename } from 'node:path';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { type ApplicationFile, parseApplicationFile, wire } from '#contract';
import { DomainError, dnsLabel } from '#domain';
import { exitCodes, Unfulfilled, UsageError } from '../failure.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { idOf, readSpan } from '../text/figures.js';
import { untilReady } from '../watching/outcome.js';

interface ApplyOptions {
  filename: string;
  name?: string;
  environment?: string;
  etag?: string;
  plan?: string;
  requestId?: string;
  validateOnly?: boolean;
  dryRun?: boolean;
  wait?: boolean;
  timeout: string;
}

const examples = `
Examples:
  berth apply -f app.yaml
  berth apply -f app.yaml --wait --timeout 2m
  berth apply -f manifests.yaml --name shop --environment staging
  kustomize build . | berth apply -f - --name shop
  berth apply -f app.yaml --dry-run
  berth apply -f app.yaml --plan plan_0a1b…   what "berth plan -f app.yaml" has shown, or nothing`;

export function addApply(program: Command, shell: Shell): void {
  const command = program
    .command('apply')
    .description('Hand in an application and release it to an environment.')
    .requiredOption('-f, --filename <file>', 'application file or Kubernetes manifests; "-" is standard input')
    .option('--name <name>', 'the application’s name, where the file has none; else the file’s base name')
    .option('--etag <etag>', 'only if the application still has this etag')
    .option('--plan <plan>', 'take what "berth plan" has shown for this file, exactly; or change nothing')
    .option('--request-id <id>', 'repeating a request with the same id has no further effect')
    .option('--validate-only', 'check everything and change nothing')
    .option('--dry-run', 'the same as --validate-only')
    .option('--wait', 'wait until it is ready; end with 1 when it is refused or fails')
    .option('--timeout <span>', 'how long to wait, like 90s or 5m', '5m')
    .addHelpText('after', examples);
  shell.on<ApplyOptions>(command, apply);
}

export function spanOf(text: string): number {
  const ms = readSpan(text);
  if (ms === undefined || ms === 0)
    throw new UsageError(`--timeout is "${text}"; allowed is a span like 90s, 5m or 1h30m`);
  return ms;
}

/** @throws Unfulfilled with a line for each wrong field: it cannot be `done`. */
export async function readApplication(session: Session, path: string, done = 'applied'): Promise<ApplicationFile> {
  const text = await session.io.read(path);
  try {
    return parseApplicationFile(text);
  } catch (cause) {
    if (!(cause instanceof DomainError)) throw cause;
    const details = cause.fieldViolations.map(({ field, description }) => `${field}: ${description}`);
    throw new Unfulfilled(`${path === '-' ? 'standard input' : path} cannot be ${done}`, details);
  }
}

/** The option goes before what the file says; manifests without either take the file's base name. */
export function nameFor(option: string | undefined, file: ApplicationFile, path: string): string {
  const named = option ?? file.name;
  if (named !== undefined) return named;
  if (path === '-') throw new UsageError('what comes on standard input has no name: give --name');
  const base = basename(path)
    .replace(/\.(ya?ml|json)$/i, '')
    .toLowerCase();
  if (dnsLabel.test(base)) return base;
  throw new UsageError(
    `"${base}", after the file, is no name for an application: give --name (1 to 63 of a-z, 0-9 and "-")`,
  );
}

/** Just made: it has one revision, in one environment, and nothing has happened to it since. */
function isNew(application: wire.Application | undefined): boolean {
  const { createTime, updateTime, revision, environments = [] } = application ?? {};
  if (revision !== 1n || environments.length > 1 || createTime === undefined || updateTime === undefined) return false;
  return timestampMs(createTime) === timestampMs(updateTime);
}

/** `created, v1`, `changed, v3 (revision 2)`, `unchanged, v3`. */
function changeOf(answer: wire.ApplyApplicationResponse, checkOnly: boolean): string {
  const { application, release, changed } = answer;
  const verb = changed ? (isNew(application) ? 'created' : 'changed') : 'unchanged';
  const revision = verb === 'changed' ? ` (revision ${application?.revision ?? 0})` : '';
  return `${checkOnly ? 'would be ' : ''}${verb}, v${release?.number ?? 0}${revision}`;
}

async function apply(session: Session, _args: readonly string[], options: ApplyOptions): Promise<number> {
  const timeoutMs = spanOf(options.timeout);
  const file = await readApplication(session, options.filename);
  const name = nameFor(options.name, file, options.filename);
  const environment = options.environment ?? file.environment ?? 'default';
  const validateOnly = options.validateOnly === true || options.dryRun === true;
  const answer = await session.applications.applyApplication({
    name: session.names.application(name),
    environment,
    source: file.source,
    etag: options.etag ?? '',
    requestId: options.requestId ?? '',
    validateOnly,
    plan: options.plan ?? '',
  });
  const { release } = answer;
  session.show({
    schema: wire.ApplyApplicationResponseSchema,
    message: answer,
    names: [answer.application?.name ?? ''],
    text: ({ palette }) => [`application ${palette.bold(name)} in ${environment}: ${changeOf(answer, validateOnly)}`],
  });
  if (options.wait !== true || validateOnly || release === undefined) return exitCodes.ok;
  const ready = await untilReady(session, release, timeoutMs);
  if (ready === undefined) return exitCodes.interrupted;
  session.remark(`${idOf(release.application)} v${release.number} is ready`);
  return exitCodes.ok;
}
