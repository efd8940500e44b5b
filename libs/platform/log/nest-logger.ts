import type { LoggerService } from '@nestjs/common';
import type { Logger } from './logger.js';

type Write = (fields: Record<string, unknown>, message: string) => void;

/** Nest passes (message, ...stack, context): the last string is the name of the class that speaks. */
const write = (to: Write, message: unknown, rest: readonly unknown[]): void => {
  const texts = rest.filter((part): part is string => typeof part === 'string');
  const context = texts.at(-1);
  const fields: Record<string, unknown> = context === undefined ? {} : { context };
  if (texts.length > 1) fields.stack = texts[0];
  if (message instanceof Error) to({ ...fields, err: message }, message.message);
  else if (typeof message === 'string') to(fields, message);
  else to({ ...fields, value: message }, 'nest');
};

/** Nest reports an error of the start here and throws it as well; whoever gets it tells it. */
const toldElsewhere = (rest: readonly unknown[]): boolean => rest.at(-1) === 'ExceptionHandler';

/** Sends what Nest says about itself through our logger; its chatter about modules and routes goes to debug. */
export const nestLogger = (log: Logger): LoggerService => ({
  log: (message: unknown, ...rest: unknown[]) => write(log.debug.bind(log), message, rest),
  error: (message: unknown, ...rest: unknown[]) =>
    write(toldElsewhere(rest) ? log.debug.bind(log) : log.error.bind(log), message, rest),
  warn: (message: unknown, ...rest: unknown[]) => write(log.warn.bind(log), message, rest),
  debug: (message: unknown, ...rest: unknown[]) => write(log.debug.bind(log), message, rest),
  verbose: (message: unknown, ...rest: unknown[]) => write(log.trace.bind(log), message, rest),
  fatal: (message: unknown, ...rest: unknown[]) => write(log.fatal.bind(log), message, rest),
});
