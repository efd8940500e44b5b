#!/usr/bin/env node
import { prepare } from '../scripts/prepare.mjs';

await prepare({ built: true });
await import('../dist/apps/cli/main.js');
