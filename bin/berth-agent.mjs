#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { prepare } from '../scripts/prepare.mjs';

/** Options of the command line, each with the environment variable that it stands for. */
const settings = {
  hub: { variable: 'BERTH_HUB', what: 'host:port of the hub' },
  token: { variable: 'BERTH_TOKEN', what: 'the one-use enrolment token; needed the first time only' },
  kubeconfig: { variable: 'KUBECONFIG', what: 'how to reach the cluster; in a pod, its service account is enough' },
  directory: { variable: 'BERTH_AGENT_DIRECTORY', what: 'where the agent keeps its certificate' },
  clusters: {
    variable: 'BERTH_CLUSTERS_DIRECTORY',
    what: 'serve many clusters: a folder with a kubeconfig for each, made by "berth cluster register --kubeconfig"',
  },
  'log-level': { variable: 'BERTH_LOG_LEVEL', what: 'trace, debug, info, warn, error or silent' },
};

const usage = () =>
  [
    'Usage: berth-agent [options]',
    '       berth-agent rbac [options]   prints the rights that the agent needs in its cluster (see --help there)',
    '',
    'Runs the agent of one cluster, or with --clusters those of many. Each option can be given as an environment variable instead.',
    '',
    ...Object.entries(settings).map(([name, { variable, what }]) => `  --${name.padEnd(12)} ${what} (${variable})`),
    '  --help         show this',
  ].join('\n');

function read() {
  try {
    const strings = Object.fromEntries(Object.keys(settings).map((name) => [name, { type: 'string' }]));
    return parseArgs({ options: { ...strings, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    console.error(`berth-agent: ${error.message.split('\n')[0]}\n\n${usage()}`);
    process.exit(2);
  }
}

if (process.argv[2] === 'rbac') {
  await prepare({ built: true });
  await import('../dist/apps/agent/rbac/main.js'); // prints, and ends the process
}
const given = read();
if (given.help) {
  console.log(usage());
  process.exit(0);
}
for (const [name, { variable }] of Object.entries(settings))
  if (given[name] !== undefined) process.env[variable] = given[name].replace(/^~(?=\/)/, process.env.HOME ?? '~');

await prepare({ built: true });
await import('../dist/apps/agent/main.js');
