#!/usr/bin/env node
import { prepare } from '../scripts/prepare.mjs';

prepare({ built: true });
await import('../dist/apps/cli/main.js');
