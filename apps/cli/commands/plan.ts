import type { Command } from 'commander';
import { wire } from '#contract';
import { exitCodes } from '../failure.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { planLines } from '../text/plan.js';
import { nameFor, readApplication } from './apply.js';

interface PlanOptions {
  filename: string;
  name?: string;
  environment?: string;
  etag?: string;
}

const examples = `
Ends with 1 when there is no place.

Examples:
  berth plan -f app.yaml
  berth apply -f app.yaml --plan "$(berth plan -f app.yaml -o name)"
  berth plan -f manifests.yaml --name shop --environment staging -o json`;

export function addPlan(program: Command, shell: Shell): void {
  const command = program
    .command('plan')
    .description(
      'Show what an apply would change and why, and change nothing. What it shows can then be taken exactly.',
    )
    .requiredOption('-f, --filename <file>', 'application file or Kubernetes manifests; "-" is standard input')
    .option('--name <name>', 'the application’s name, where the file has none; else the file’s base name')
    .option('--etag <etag>', 'only if the application still has this etag')
    .addHelpText('after', examples);
  shell.on<PlanOptions>(command, plan);
}

/** Words of a command line, quoted where a shell would read them otherwise. */
const commandLine = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');

async function plan(session: Session, _args: readonly string[], options: PlanOptions): Promise<number> {
  const { filename, etag = '' } = options;
  const file = await readApplication(session, filename, 'planned');
  const name = nameFor(options.name, file, filename);
  const environment = options.environment ?? file.environment ?? 'default';
  const answer = await session.applications.planApplication({
    name: session.names.application(name),
    ...{ environment, etag, source: file.source },
  });
  const given = [
    ...(options.name === undefined ? [] : ['--name', options.name]),
    ...(options.environment === undefined ? [] : ['--environment', options.environment]),
  ];
  const command = commandLine(['berth', 'apply', '-f', filename, ...given, '--plan', answer.plan]);
  session.show({
    schema: wire.PlanSchema,
    message: answer,
    names: answer.plan === '' ? [] : [answer.plan],
    text: (look) => planLines(`${name} in ${environment}`, answer, command, look),
  });
  return answer.plan === '' ? exitCodes.failed : exitCodes.ok;
}
