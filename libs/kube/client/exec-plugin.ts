import { execFile } from 'node:child_process';
import { isJsonObject, type JsonObject, type JsonValue, type Millis } from '#domain';
import { AccessUnusable } from './access.js';
import { textAt } from './objects.js';

export interface ExecPlugin {
  command: string;
  args: readonly string[];
  /** Beside the environment of this process. */
  env: Readonly<Record<string, string>>;
  /** What it reads from KUBERNETES_EXEC_INFO. */
  info: JsonObject;
}

export interface ExecCredentials {
  token?: string;
  certificate?: string;
  key?: string;
}

/** A plug-in that waits for somebody to type is ended: it holds up its own cluster alone, and is tried again. */
const patience: Millis = 20_000;
const largestAnswer = 1024 * 1024;

/** client.authentication.k8s.io/v1 and v1beta1 (KEP-541). Asked anew each time: plug-ins have caches of their own. */
export async function execCredentials(plugin: ExecPlugin): Promise<ExecCredentials> {
  const text = await run(plugin);
  let answer: JsonValue;
  try {
    answer = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new AccessUnusable(`the exec plug-in ${plugin.command} printed no JSON`, { cause });
  }
  const status = isJsonObject(answer) && isJsonObject(answer.status) ? answer.status : undefined;
  if (status === undefined) throw new AccessUnusable(`the exec plug-in ${plugin.command} printed no ExecCredential`);
  const found = {
    token: textAt(status, 'token'),
    certificate: textAt(status, 'clientCertificateData'),
    key: textAt(status, 'clientKeyData'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ''));
}

function run({ command, args, env, info }: ExecPlugin): Promise<string> {
  const settings = {
    env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    timeout: patience,
    killSignal: 'SIGKILL',
    maxBuffer: largestAnswer,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], settings, (cause, stdout) => {
      if (cause === null) return resolve(stdout);
      const why = cause.killed === true ? `gave no answer within ${patience} ms` : `failed (${cause.code ?? 'killed'})`;
      // what it printed may hold secrets
      reject(new AccessUnusable(`the exec plug-in ${command} ${why}`));
    });
    child.stdin?.end();
  });
}
