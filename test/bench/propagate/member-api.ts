import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '#domain';

/** Where a member is and how one is let in, out of a kubeconfig's current context. */
export interface MemberAddress {
  url: string;
  token: string | undefined;
  tls: { ca?: string; cert?: string; key?: string };
}

const namedIn = (config: JsonObject, list: string, name: JsonValue | undefined): JsonObject => {
  const entries = config[list];
  const found = Array.isArray(entries)
    ? entries.find((each) => isJsonObject(each) && (name === undefined || each.name === name))
    : undefined;
  const content = isJsonObject(found) ? found[list.slice(0, -1)] : undefined;
  return isJsonObject(content) ? content : {};
};

function pemOf(entry: JsonObject, field: string): string | undefined {
  const [data, path] = [entry[`${field}-data`], entry[field]];
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
  return typeof path === 'string' ? readFileSync(path, 'utf8') : undefined;
}

/** Reads what a bare client needs: no plug-ins, no token files. */
export function addressIn(kubeconfig: string): MemberAddress {
  const config: JsonValue = parse(kubeconfig);
  if (!isJsonObject(config)) throw new Error('a kubeconfig of BERTH_BENCH_MEMBERS is no YAML object');
  const context = namedIn(config, 'contexts', config['current-context']);
  const cluster = namedIn(config, 'clusters', context.cluster);
  const user = namedIn(config, 'users', context.user);
  if (typeof cluster.server !== 'string') throw new Error('a kubeconfig of BERTH_BENCH_MEMBERS names no server');
  const [ca, cert, key] = [
    pemOf(cluster, 'certificate-authority'),
    pemOf(user, 'client-certificate'),
    pemOf(user, 'client-key'),
  ];
  return {
    url: cluster.server,
    token: typeof user.token === 'string' ? user.token : undefined,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

const applyPatch = 'application/apply-patch+yaml';

/** A member's API without anything of Berth in between: one pool of connections, one try a call. */
export class MemberApi {
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    readonly address: MemberAddress,
    connections: number,
  ) {
    const connect = { ...address.tls, keepAlive: true };
    this.#pool = new Pool(new URL(address.url).origin, { connect, connections, bodyTimeout: 0, headersTimeout: 0 });
    this.#headers = {
      'user-agent': 'berth-bench',
      accept: 'application/json',
      ...(address.token === undefined ? {} : { authorization: `Bearer ${address.token}` }),
    };
  }

  async text(path: string): Promise<string> {
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers: this.#headers });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`GET ${path} answered ${statusCode}: ${text.slice(0, 300)}`);
    return text;
  }

  async get(path: string): Promise<JsonObject> {
    const answer: JsonValue = JSON.parse(await this.text(path));
    return isJsonObject(answer) ? answer : {};
  }

  /** Server-side apply. */
  apply(path: string, body: string): Promise<void> {
    return this.#write('PATCH', `${path}?fieldManager=berth-bench&force=true`, body, applyPatch);
  }

  /** Makes it, or leaves what is there. */
  create(path: string, body: JsonObject): Promise<void> {
    return this.#write('POST', path, JSON.stringify(body), 'application/json');
  }

  merge(path: string, patch: JsonObject): Promise<void> {
    return this.#write('PATCH', path, JSON.stringify(patch), 'application/merge-patch+json');
  }

  delete(path: string): Promise<void> {
    return this.#write('DELETE', path, '{}', 'application/json');
  }

  /** The answer as it comes, until the signal aborts. */
  async stream(path: string, accept: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const headers = { ...this.#headers, accept };
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers, signal });
    if (statusCode !== 200) throw new Error(`GET ${path} answered ${statusCode}: ${await body.text()}`);
    return body;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #write(method: 'PATCH' | 'POST' | 'DELETE', path: string, body: string, contentType: string): Promise<void> {
    const headers = { ...this.#headers, 'content-type': contentType };
    const answer = await this.#pool.request({ method, path, headers, body });
    const text = await answer.body.text();
    const isThere = method === 'POST' && answer.statusCode === 409;
    if (!isThere && (answer.statusCode < 200 || answer.statusCode > 299))
      throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text.slice(0, 300)}`);
  }
}
