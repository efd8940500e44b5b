import type { Command } from 'commander';
import { wire } from '#contract';
import type { Shell } from '../shell.js';
import { decisionLines } from '../text/decision.js';

export function addExplain(program: Command, shell: Shell): void {
  const explain = program
    .command('explain')
    .argument('<name>', 'an application')
    .description('Tell where each component went and why, for every cluster, chosen or not.');
  shell.on(explain, async (session, [name = '']) => {
    const { environment } = session.settings;
    const decision = await session.applications.explainApplication({
      name: session.names.application(name),
      environment,
    });
    session.show({
      schema: wire.DecisionSchema,
      message: decision,
      names: [decision.release],
      text: (look) => decisionLines(`${name} in ${environment}`, decision, look),
    });
    return undefined;
  });
}
