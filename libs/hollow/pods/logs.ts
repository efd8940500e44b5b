import type { ServerResponse } from 'node:http';
import type { Alarms } from '../alarms.js';
import type { Pod } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { badRequest } from '../status.js';
import type { ObjectStore } from '../store.js';
import { containerOf, finishedAt, isOver, startedAt } from './container.js';

/** What pods of a hollow cluster print. */
export interface PretendLogs {
  /** A line so often, from the start of the container; 0: as fast as it is read. 1000 unless told. */
  everyMs?: number;
  /** Length of a line; 0, the default: as long as its words are. */
  lineBytes?: number;
}

export interface LogParts {
  store: ObjectStore;
  alarms: Alarms;
  nowMs: () => number;
  cluster: string;
  logs: PretendLogs;
}

/** No container is said to have printed more. */
const mostLines = 10_000;
const pods = resourceNamed('pods');

interface Lines {
  sinceMs: number;
  /** Nothing is printed later. */
  untilMs: number;
  everyMs: number;
  text(number: number): string;
}

/** Lines of one container: the n-th was printed n intervals after its start, whoever asks and when. */
function linesOf(parts: LogParts, pod: Pod, container: string, timestamps: boolean): Lines {
  const { everyMs = 1000, lineBytes = 0 } = parts.logs;
  const sinceMs = startedAt(pod, container);
  const text = (number: number) => {
    const time = timestamps ? `${new Date(sinceMs + number * everyMs).toISOString()} ` : '';
    const words = `line ${number} of ${container} in ${pod.metadata.name} on ${parts.cluster}`;
    return `${time}${words}`.padEnd(Math.max(0, lineBytes - 1), '.').concat('\n');
  };
  return { sinceMs, untilMs: finishedAt(pod, container), everyMs, text };
}

/** From which line on, of those that there are by now. */
function firstLine({ sinceMs, everyMs }: Lines, query: URLSearchParams, printed: number, nowMs: number): number {
  const tail = query.get('tailLines');
  const seconds = query.get('sinceSeconds');
  const time = query.get('sinceTime');
  const since = seconds !== null ? nowMs - Number(seconds) * 1000 : time !== null ? Date.parse(time) : 0;
  const bySince = everyMs === 0 ? 0 : Math.max(0, Math.ceil((since - sinceMs) / everyMs));
  const byTail = tail === null ? 0 : Math.max(0, printed - Number(tail));
  return Math.max(bySince, byTail, printed - mostLines);
}

/** Answers `pods/log`. @throws ApiError when there is nothing to read. */
export function serveLogs(parts: LogParts, pod: Pod, query: URLSearchParams, response: ServerResponse): void {
  const container = containerOf(pod, query.get('container') ?? '');
  if (query.get('previous') === 'true')
    throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`);
  const lines = linesOf(parts, pod, container, query.get('timestamps') === 'true');
  const isFollowed = query.get('follow') === 'true';
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  if (lines.everyMs === 0) flood(lines, response, isFollowed && !isOver(pod) ? Number.POSITIVE_INFINITY : mostLines);
  else print(parts, pod, { lines, query, isFollowed }, response);
}

function print(
  parts: LogParts,
  pod: Pod,
  { lines, query, isFollowed }: { lines: Lines; query: URLSearchParams; isFollowed: boolean },
  response: ServerResponse,
): void {
  const nowMs = parts.nowMs();
  const printed = Math.floor((Math.min(nowMs, lines.untilMs) - lines.sinceMs) / lines.everyMs) + 1;
  let next = firstLine(lines, query, printed, nowMs);
  let text = '';
  for (; next < printed; next++) text += lines.text(next);
  response.write(text);
  if (isFollowed && !isOver(pod)) follow(parts, pod, lines, next, response);
  else response.end();
}

function follow(parts: LogParts, pod: Pod, lines: Lines, from: number, response: ServerResponse): void {
  let next = from;
  let cancel: () => void = () => undefined;
  const later = () => {
    cancel = parts.alarms.after(lines.sinceMs + next * lines.everyMs - parts.nowMs(), () => {
      response.write(lines.text(next));
      next += 1;
      later();
    });
  };
  later();
  const forget = parts.store.listen(pods, ({ type, object }) => {
    if (object.metadata.uid !== pod.metadata.uid || (type !== 'DELETED' && !isOver(object as Pod))) return;
    stop();
    response.end();
  });
  const stop = () => {
    cancel();
    forget();
  };
  response.on('close', stop);
}

/** As fast as it is read, and no faster. */
function flood(lines: Lines, response: ServerResponse, count: number): void {
  let next = 0;
  const more = () => {
    while (next < count && !response.destroyed) {
      let text = '';
      for (let i = 0; i < 100 && next < count; i++, next++) text += lines.text(next);
      if (!response.write(text)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}
