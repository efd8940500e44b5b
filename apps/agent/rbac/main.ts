import { readFile } from 'node:fs/promises';
import { RbacUsageError, rbacText } from './command.js';

try {
  process.stdout.write(await rbacText(process.argv.slice(3), (file) => readFile(file, 'utf8')));
  process.exit(0);
} catch (error) {
  if (!(error instanceof RbacUsageError)) throw error;
  process.stderr.write(`berth-agent rbac: ${error.message} (see --help)\n`);
  process.exit(2);
}
