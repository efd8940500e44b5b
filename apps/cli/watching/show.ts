import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { RpcError } from '#platform/client';
import { jsonOf, type Session } from '../session.js';
import { isForPeople } from '../settings.js';
import type { Look } from '../text/look.js';
import { follow } from './follow.js';
import { openScreen } from './screen.js';

/** A kind of resource that can be watched, and how it is shown. */
export interface Watchable<D extends DescMessage, R> {
  schema: D;
  open(resumeToken: string, signal: AbortSignal): AsyncIterable<MessageShape<D> & { resumeToken: string }>;
  /** What a message says. */
  read(message: MessageShape<D>): Told<R>;
  nameOf(resource: R): string;
  table(resources: readonly R[], look: Look): readonly string[];
  /** One resource in plain lines. */
  lines(resource: R, look: Look): readonly string[];
}

export type Told<R> =
  | { kind: 'changed'; resource: R }
  | { kind: 'deleted'; name: string }
  | { kind: 'synced' }
  | { kind: 'nothing' };

const lostLine = (error: RpcError | undefined) =>
  `connection lost${error === undefined ? '' : ` (${error.code})`}; trying again …`;

/** What has to be done with what is told, on a terminal or elsewhere. */
interface Board<R> {
  told(what: Told<R>): void;
  anew(): void;
  lost(error: RpcError | undefined): void;
}

function liveBoard<D extends DescMessage, R>(session: Session, watchable: Watchable<D, R>): Board<R> {
  const screen = openScreen(session.io.out);
  const known = new Map<string, R>();
  let synced = false;
  const draw = (below: readonly string[] = []) => {
    const sorted = [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, resource]) => resource);
    screen.draw([...watchable.table(sorted, session.look()), ...below]);
  };
  return {
    told: (what) => {
      if (what.kind === 'changed') known.set(watchable.nameOf(what.resource), what.resource);
      if (what.kind === 'deleted') known.delete(what.name);
      if (what.kind === 'synced') synced = true;
      if (synced) draw();
    },
    anew: () => {
      known.clear();
      synced = false;
    },
    lost: (error) => draw([lostLine(error)]),
  };
}

/** A line is printed when it says something else than the line before about the same thing. */
function plainBoard<D extends DescMessage, R>(session: Session, watchable: Watchable<D, R>): Board<R> {
  const said = new Map<string, string>();
  return {
    told: (what) => {
      if (what.kind === 'changed') {
        const text = watchable.lines(what.resource, session.look()).join('\n');
        const name = watchable.nameOf(what.resource);
        if (said.get(name) !== text) session.say(text);
        said.set(name, text);
      }
      if (what.kind === 'deleted') {
        said.delete(what.name);
        session.say(`${what.name} is gone`);
      }
    },
    anew: () => {},
    lost: (error) => void session.io.err.write(`${lostLine(error)}\n`),
  };
}

/** Every message as it came, a JSON object a line. */
function jsonBoard(session: Session): Board<unknown> {
  return {
    told: () => {},
    anew: () => {},
    lost: (error) => void session.io.err.write(`${lostLine(error)}\n`),
  };
}

/** Shows what is watched until Ctrl-C. `awaited` is the one resource that was named: it may not be there yet. */
export async function showWatch<D extends DescMessage, R>(
  session: Session,
  watchable: Watchable<D, R>,
  awaited?: string,
): Promise<undefined> {
  const { io, settings } = session;
  const raw = settings.format === 'json' || settings.format === 'yaml';
  const board = raw
    ? jsonBoard(session)
    : io.out.isTTY === true && isForPeople(settings.format)
      ? liveBoard(session, watchable)
      : plainBoard(session, watchable);
  const messages = follow({ open: watchable.open, io, signal: io.signal, lost: board.lost });
  let isAwaited = awaited !== undefined;
  for await (const followed of messages) {
    if (isAwaited && followed.kind === 'message') {
      const { kind } = watchable.read(followed.message);
      if (kind === 'synced') io.err.write(`waiting for ${awaited}\n`);
      if (kind === 'synced' || kind === 'changed') isAwaited = false;
    }
    if (followed.kind === 'anew') board.anew();
    else if (raw) session.say(JSON.stringify(jsonOf(watchable.schema, followed.message)));
    else board.told(watchable.read(followed.message));
  }
}
