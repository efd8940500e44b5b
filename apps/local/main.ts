import { join } from 'node:path';
import { Command } from 'commander';
import { runMain } from '#platform';
import { type DemoOptions, runOnce, startDemo } from './demo.js';
import { readPatienceMs } from './flags.js';

const command = new Command('npm run demo --')
  .description(
    'Everything on this machine: PostgreSQL, Berth and three hollow clusters; deploys an example application.',
  )
  .option('--once', 'deploy, print what the members hold, delete, check that it is gone, and end')
  .option('--patience <seconds>', 'how long any step may take', '120')
  .parse();
const { once = false, patience } = command.opts<{ once?: boolean; patience: string }>();
const options = (): DemoOptions => ({
  once,
  output: {
    write: (text: string) => void process.stdout.write(text),
    isTTY: process.stdout.isTTY,
    colours: !process.env.NO_COLOR,
    get columns() {
      return process.stdout.columns;
    },
  },
  root: join(import.meta.dirname, '../../..'),
  patienceMs: readPatienceMs(patience),
});

// Whoever reads the lines has gone (`| head`): so does the demo.
process.stdout.on('error', () => process.exit(1));
await runMain(async () => {
  if (!once) return startDemo(options());
  process.exit(await runOnce(options()));
});
