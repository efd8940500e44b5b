import { readFile } from 'node:fs/promises';
import { RbacUsageError, rbacText, rbacUsage } from './command.js';

try {
  process.stdout.write(await rbacText(process.argv.slice(3), (file) => readFile(file, 'utf8')));
  process.exit(0);
} catch (error) {
  const isTheirs =
    error instanceof RbacUsageError || (error instanceof Error && 'code' in error && error.code === 'ENOENT');
  if (!isTheirs) throw error;
  process.stderr.write(`berth-agent rbac: ${error.message}\n\n${rbacUsage}`);
  process.exit(2);
}
