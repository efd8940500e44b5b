import { applicationName, projectName, readApplicationName, readProjectName, wire } from '#contract';
import { NotFound, type Principal } from '#domain';
import type { RpcCall, ServerStreamWriter } from '#platform';
import {
  type ApplicationKey,
  readApplication,
  readApplications,
  readNamedApplications,
  readProject,
  type Store,
  type StoredApplication,
} from '#store';
import type { Authenticator } from '../auth/authenticator.js';
import { cutPage, readPage } from '../pages.js';
import { readerFor, tenantOf } from '../principal.js';
import { watch } from '../watching/watch.js';
import { BatchedReads } from './batched-reads.js';
import { RecentAnswers } from './recent-answers.js';
import { applicationToWire } from './view.js';

const pageRows = 100;
/** More would make each batch smaller: starting a statement costs as much as reading several rows. */
const statementsAtOnce = 1;

interface SameRights {
  principal: Principal;
  tenant: string;
  project: string;
}

/** Applications by name, under the caller's rights; who asks at the same time shares a statement. */
export class ApplicationReads {
  readonly #batches: BatchedReads<SameRights, wire.Application>;
  readonly #answers = new RecentAnswers();

  constructor(store: Store) {
    this.#batches = new BatchedReads(statementsAtOnce, async ({ principal, tenant, project }, applications) => {
      const of = { tenant, project, applications };
      const recent = this.#answers.recall(of);
      const rows = await readNamedApplications(readerFor(store, principal), of, [...recent.keys()]);
      return new Map(rows.map((row) => [row.application, recent.get(row.digest) ?? this.#answers.keep(of, row)]));
    });
  }

  /** @throws NotFound for one that is not there for this caller. */
  async get(principal: Principal, name: string): Promise<wire.Application> {
    const { tenant, project, application } = readApplicationName(name);
    // Row-level security judges by the key's tenant; operators have none.
    const groupKey = JSON.stringify([principal.tenant ?? null, tenant, project]);
    const found = await this.#batches.read(groupKey, { principal, tenant, project }, application);
    if (found === undefined) throw new NotFound({ kind: 'application', name });
    return found;
  }
}

/** @throws NotFound for one that is not there for this caller. */
export async function getApplication(store: Store, principal: Principal, name: string): Promise<StoredApplication> {
  const application = await readApplication(readerFor(store, principal), readApplicationName(name));
  if (application === undefined) throw new NotFound({ kind: 'application', name });
  return application;
}

async function checkProject(store: Store, principal: Principal, key: { tenant: string; project: string }) {
  const project = await readProject(readerFor(store, principal), key);
  if (project === undefined) throw new NotFound({ kind: 'project', name: projectName(key.tenant, key.project) });
}

export async function listApplications(
  store: Store,
  principal: Principal,
  request: wire.ListApplicationsRequest,
): Promise<{ applications: wire.Application[]; nextPageToken: string }> {
  const key = readProjectName(request.parent, 'parent');
  const query = ['applications', request.parent];
  const page = readPage(request, query);
  await checkProject(store, principal, key);
  const bounds = { ...key, after: page.after ?? '', limit: page.size + 1 };
  const rows = await readApplications(readerFor(store, principal), bounds);
  const cut = cutPage(rows, page, query, ({ application }) => application);
  return { applications: cut.rows.map(applicationToWire), nextPageToken: cut.nextPageToken };
}

/** A project, or one application of it. */
function scopeOf(name: string): { tenant: string; project: string; only: string | undefined } {
  if (!name.includes('/applications/')) return { ...readProjectName(name), only: undefined };
  const { tenant, project, application } = readApplicationName(name);
  return { tenant, project, only: application };
}

type Out = ServerStreamWriter<typeof wire.WatchApplicationsResponseSchema>;

/** Watches until the caller leaves, its key is revoked or the server closes. */
export async function watchApplications(
  { store, authenticator }: { store: Store; authenticator: Authenticator },
  request: wire.WatchApplicationsRequest,
  { principal, signal }: RpcCall<Principal>,
  out: Out,
): Promise<void> {
  const { tenant, project, only } = scopeOf(request.name);
  tenantOf(principal, 'applications.read');
  const read = readerFor(store, principal);
  const keyOf = (application: string): ApplicationKey => ({ tenant, project, application });
  const key = authenticator.follow(principal);
  try {
    await checkProject(store, principal, { tenant, project });
    await watch<StoredApplication>(
      store,
      request.resumeToken,
      {
        kind: 'application',
        idOf: (row) => {
          const [of, application] = row.resource.split('/');
          const concerns = row.tenant === tenant && of === project && (only === undefined || application === only);
          return concerns ? application : undefined;
        },
        all: () => pagesOf(read, { tenant, project, only }),
        read: (application) => readApplication(read, keyOf(application)),
        changed: (application, resumeToken) =>
          out.write({ resumeToken, event: { case: 'changed', value: applicationToWire(application) } }),
        deleted: (application, resumeToken) =>
          out.write({
            resumeToken,
            event: { case: 'deleted', value: applicationName(tenant, project, application) },
          }),
        synced: (resumeToken) => out.write({ resumeToken, event: { case: 'synced', value: {} } }),
      },
      AbortSignal.any([signal, key.signal]),
    );
  } finally {
    key.end();
  }
}

async function* pagesOf(
  read: ReturnType<typeof readerFor>,
  { tenant, project, only }: { tenant: string; project: string; only: string | undefined },
): AsyncGenerator<StoredApplication[], void, undefined> {
  if (only !== undefined) {
    const one = await readApplication(read, { tenant, project, application: only });
    yield one === undefined ? [] : [one];
    return;
  }
  for (let after = ''; ; ) {
    const page = await readApplications(read, { tenant, project, after, limit: pageRows });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
    after = last.application;
  }
}
