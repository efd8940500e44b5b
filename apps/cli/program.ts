import { Command, Option } from 'commander';
import { addApply } from './commands/apply.js';
import { addClusters } from './commands/clusters.js';
import { addCompletion } from './commands/completion.js';
import { addExec } from './commands/exec.js';
import { addExplain } from './commands/explain.js';
import { addGet } from './commands/get.js';
import { addKeys } from './commands/keys.js';
import { addLogs } from './commands/logs.js';
import { addPlan } from './commands/plan.js';
import { addPortForward } from './commands/port-forward.js';
import { addDelete, addOperations } from './commands/remove.js';
import { addEnvironments, addProjects, addQuota, addTenants } from './commands/tenancy.js';
import { formats } from './settings.js';
import type { Shell } from './shell.js';

const more = `
Environment:
  BERTH_SERVER      host:port of Berth (127.0.0.1:7070)
  BERTH_API_KEY     the key to call with
  BERTH_PROJECT     a project, or tenants/{tenant}/projects/{project}
  NO_COLOR          no colours

Exit codes: 0 done, 1 refused or failed, 2 the command line makes no sense.

Examples:
  berth apply -f app.yaml --wait     deploy and wait until it is ready
  berth plan -f app.yaml             what an apply would change, and why
  berth get                          what runs, and how
  berth explain shop                 where it went, and why
  berth logs -f shop                 what its pods print, in all clusters at once
  berth clusters                     how full the fleet is`;

function addShared(program: Command): void {
  program
    .option('--server <host:port>', 'where Berth is (BERTH_SERVER)')
    .option('--api-key <key>', 'the key to call with (BERTH_API_KEY)')
    .option('--tenant <tenant>', 'default: default')
    .option('--project <project>', 'its id, or its whole name (BERTH_PROJECT)')
    .option('--environment <environment>', 'default: default')
    .addOption(new Option('-o, --output <format>', 'how to answer').choices(formats).default('table'))
    .option('--no-color', 'no colours (NO_COLOR)');
}

/** Berth's command line. Whatever it prints, it prints to the shell's outputs. */
export function buildProgram(shell: Shell, version: string): Command {
  const { io } = shell;
  const program = new Command('berth')
    .description('Many Kubernetes clusters as one container service.')
    .version(version, '-V, --version')
    .addHelpText('after', more)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .helpCommand(false)
    .exitOverride();
  addShared(program);
  addApply(program, shell);
  addPlan(program, shell);
  addGet(program, shell);
  addExplain(program, shell);
  addLogs(program, shell);
  addExec(program, shell);
  addPortForward(program, shell);
  addDelete(program, shell);
  addOperations(program, shell);
  addClusters(program, shell);
  addTenants(program, shell);
  addProjects(program, shell);
  addEnvironments(program, shell);
  addKeys(program, shell);
  addQuota(program, shell);
  addCompletion(program, io);
  return program;
}
