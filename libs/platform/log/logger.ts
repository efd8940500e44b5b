import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { briefError } from './brief-error.js';

/** One JSON object a line; `log.info({ cluster, work }, 'work applied')`. `log.child({ cluster })` binds fields. */
export type Logger = PinoLogger;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const secretFields = ['authorization', 'token', 'apiKey', 'password', 'secret', 'privateKey'];
const redacted = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/**
 * Makes a process' logger. Fields that could hold a credential are blacked out down to two levels deep; that is the
 * net, not the rule: no secret is passed to a logger in the first place.
 * `destination` defaults to standard output. Errors that are `expected`, like a peer that does not answer, are logged
 * without a stack.
 */
export const createLogger = (options: {
  app: string;
  level?: LogLevel;
  destination?: DestinationStream;
  expected?: (error: Error) => boolean;
}): Logger => {
  const { expected = () => false } = options;
  const settings = {
    base: { app: options.app },
    level: options.level ?? 'info',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: Error) => (expected(error) ? briefError(error) : stdSerializers.err(error)) },
    redact: { paths: redacted, censor: '[redacted]' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
};

/** A logger that says nothing, for tests and for parts that are handed none. */
export const silentLogger = (): Logger => pino({ level: 'silent' });
