import '#platform/small-heap';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AccessUnusable, connectCluster, kubeMember } from '#kube';
import { createLogger, RpcError, type Running, runMain, StartupError } from '#platform/light';
import { preferSpeedFromHere } from '#platform/small-heap';
import { agentConfigFrom, type MemberAccess } from './config.js';
import { isUnanswered } from './expected.js';
import { directoryKeeper, HubNotTrusted, NotEnrolled, startAgent, startDirectoryAgents, WrongMember } from './index.js';
import { agentVersion } from './version.js';

const userAgent = `berth-agent/${agentVersion}`;

const fileTroubles: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a directory',
};

async function kubeconfigAt(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    throw new StartupError(`agent: kubeconfig ${path}: ${fileTroubles[code] ?? cause.message}`, { cause });
  }
}

async function memberAt(access: MemberAccess | undefined) {
  if (access === undefined)
    throw new StartupError(
      'KUBECONFIG is not set; allowed: the path of a kubeconfig (or --kubeconfig); nothing inside a pod',
    );
  const complete =
    access.kind === 'in-cluster'
      ? access
      : { kind: access.kind, yaml: await kubeconfigAt(access.path), directory: dirname(access.path) };
  return kubeMember(await connectCluster(complete, { userAgent }));
}

/** Few connections for each of many: a busy cluster waits for itself alone. */
const connectionsOfEach = 6;

async function connectOneOfMany({ yaml, directory }: { yaml: string; directory: string }) {
  const settings = { userAgent, connections: connectionsOfEach };
  return kubeMember(await connectCluster({ kind: 'kubeconfig', yaml, directory }, settings));
}

/** What an operator can act on is one line; everything else keeps its stack. */
function asStartupError(error: unknown): unknown {
  const isTheirs =
    error instanceof NotEnrolled ||
    error instanceof WrongMember ||
    error instanceof HubNotTrusted ||
    error instanceof AccessUnusable ||
    error instanceof RpcError ||
    (error instanceof Error && 'code' in error && error.code === 'ENOENT');
  return isTheirs && error instanceof Error ? new StartupError(`agent: ${error.message}`, { cause: error }) : error;
}

async function start(): Promise<Running> {
  const { hub, token, directory, logLevel, access, clusters } = agentConfigFrom(process.env);
  const log = createLogger({ app: 'agent', level: logLevel, expected: isUnanswered });
  try {
    const agent =
      clusters === undefined
        ? await startAgent({ hub, token, identity: directoryKeeper(directory), member: await memberAt(access), log })
        : await startDirectoryAgents({ directory: clusters, hub, connect: connectOneOfMany, log });
    void agent.done.catch((error: unknown) => {
      const failure = asStartupError(error);
      if (failure instanceof StartupError) process.stderr.write(`${failure.message}\n`);
      else log.fatal({ err: error }, 'the agent has ended');
      process.exit(1);
    });
    preferSpeedFromHere();
    return agent;
  } catch (error) {
    throw asStartupError(error);
  }
}

await runMain(start);
