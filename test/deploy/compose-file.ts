import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const root = join(import.meta.dirname, '../..');

/** What of a compose service matters when it runs as a plain process. */
export interface ComposeService {
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  profiles?: string[];
  restart?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

/** A variable that must be set and is not; the message is the file's own. */
export class VariableMissing extends Error {
  override readonly name = 'VariableMissing';
}

const reference = /\$\{([A-Z_]+)(?:(:-|:\?)([^}]*))?\}/g;

/** Compose's own interpolation, as far as the file uses it: `${X}`, `${X:-default}`, `${X:?message}`. */
const interpolate = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(reference, (_, name: string, operator?: string, word = '') => {
    const value = env[name] ?? '';
    if (value !== '') return value;
    if (operator === ':?') throw new VariableMissing(`${name}: ${word}`);
    return operator === ':-' ? word : '';
  });

/** Compose reads YAML first and fills in its texts then: an empty value stays an empty text. */
function filled(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((each) => filled(each, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, env)]));
}

/** docker-compose.yml as compose would see it with this `.env`. */
export function readCompose(env: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  return filled(parse(text, { merge: true }), env) as ComposeFile;
}

/** A service; an unknown one is a mistake in the test. */
export function serviceOf(
  file: ComposeFile,
  name: string,
): Required<Pick<ComposeService, 'command' | 'environment'>> & ComposeService {
  const { command, environment, ...rest } = file.services[name] ?? {};
  if (command === undefined || environment === undefined)
    throw new Error(`service ${name} has no command or environment`);
  return { command, environment, ...rest };
}
