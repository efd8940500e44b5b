import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Logger } from './log/logger.js';
import { nestLogger } from './log/nest-logger.js';

/** Builds and starts a Nest application without an HTTP server of its own; errors at start reach the caller. */
export const startNest = (
  module: Parameters<typeof NestFactory.createApplicationContext>[0],
  log: Logger,
): Promise<INestApplicationContext> =>
  NestFactory.createApplicationContext(module, { logger: nestLogger(log), abortOnError: false });
