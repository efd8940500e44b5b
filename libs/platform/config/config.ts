import { z } from 'zod';
import { StartupErrors } from '../errors/startup.js';

/** What a process reads from its environment: the names of the variables, each with the schema of its value. */
export type ConfigShape = Readonly<Record<string, z.ZodType>>;

/** The parsed values, under the names of their variables. */
export type ConfigOf<S extends ConfigShape> = { readonly [K in keyof S]: z.output<S[K]> };

/** Values whose names look like this are never echoed. */
const secretName = /PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL|REDIS_URL/i;

const shown = (name: string, value: string | undefined): string => {
  if (value === undefined) return 'is not set';
  return secretName.test(name) ? 'has a value that is not allowed (not shown)' : `is ${JSON.stringify(value)}`;
};

const allowed = (name: string, issues: readonly z.core.$ZodIssue[]): string =>
  issues
    .map((issue) => (secretName.test(name) ? issue.message.replaceAll(/"[^"]*"/g, '"…"') : issue.message))
    .join(', ')
    .replace(/^Invalid input: /, '');

/**
 * Describes a process' configuration and returns its parser. The parser reads the environment that it is handed
 * (only `main.ts` may hand it `process.env`); an empty string counts as not set. When values are wrong it throws one
 * StartupErrors with a line for each: its name, what was read, what is allowed.
 */
export const defineConfig =
  <S extends ConfigShape>(shape: S) =>
  (env: Readonly<Record<string, string | undefined>>): ConfigOf<S> => {
    const values: Record<string, unknown> = {};
    const wrong: string[] = [];
    for (const [name, schema] of Object.entries(shape)) {
      const read = env[name] === '' ? undefined : env[name];
      const parsed = schema.safeParse(read);
      if (parsed.success) values[name] = parsed.data;
      else wrong.push(`${name} ${shown(name, read)}; allowed: ${allowed(name, parsed.error.issues)}`);
    }
    if (wrong.length > 0) throw new StartupErrors(wrong);
    return values as ConfigOf<S>;
  };

const whole = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);

/** Schemas for what environments commonly hold. All read strings; give each a `.default()` where it has one. */
export const setting = {
  /** A TCP port; 0 lets the system choose. */
  port: (fallback?: number) => wholeNumber(0, 65_535, fallback),
  /** A whole number from `min` to `max`, both allowed. */
  integer: (min: number, max: number, fallback?: number) => wholeNumber(min, max, fallback),
  /** `true` or `false`. */
  flag: (fallback: boolean) =>
    z
      .enum(['true', 'false'], { error: 'true or false' })
      .default(fallback ? 'true' : 'false')
      .transform((text) => text === 'true'),
  /** One of a few words. */
  oneOf: <const T extends readonly [string, ...string[]]>(words: T, fallback: T[number]) =>
    z
      .string()
      .default(fallback)
      .refine((text): text is T[number] => words.includes(text), { error: words.join(', ') }),
  /** Any text that is not empty; `what` says more of it. */
  text: (fallback?: string, what = 'a text that is not empty') => {
    const schema = z.string({ error: what });
    return fallback === undefined ? schema : schema.default(fallback);
  },
  /** Text that may be left out. */
  optionalText: () => z.string().optional(),
  /** An address with one of the given protocols, for example `postgres`. */
  url: (protocols: readonly string[], fallback?: string) => {
    const error = `a URL that begins with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`;
    const schema = z
      .string({ error })
      .refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)), { error });
    return fallback === undefined ? schema : schema.default(fallback);
  },
};

function wholeNumber(min: number, max: number, fallback?: number) {
  const error = `a whole number from ${min} to ${max}`;
  const schema = z
    .string({ error })
    .transform(whole)
    .refine((value) => value >= min && value <= max, { error });
  return fallback === undefined ? schema : schema.default(fallback);
}
