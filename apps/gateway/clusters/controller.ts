import { Inject } from '@nestjs/common';
import { clusterName, clusterToWire, orphanToWire, readClusterName, wire } from '#contract';
import { type Ids, NotFound, type Principal } from '#domain';
import { type RpcCall, type RpcHandlers, RpcService, type ServerStreamWriter } from '#platform';
import { readCluster, readClusters, readOrphans, type Store, type StoredCluster } from '#store';
import { Authenticator } from '../auth/authenticator.js';
import { once } from '../idempotent.js';
import { cutPage, readPage } from '../pages.js';
import { type EnrolmentPoint, gatewayParts } from '../parts.js';
import { actorOf, readerFor, storePrincipalOf } from '../principal.js';
import { watch } from '../watching/watch.js';
import {
  changeCluster,
  createEnrolmentToken,
  cutOffAgent,
  registerCluster,
  removeCluster,
  withoutToken,
} from './changes.js';

type Call = RpcCall<Principal>;
const {
  registerCluster: registerMethod,
  updateCluster: updateMethod,
  removeCluster: removeMethod,
  revokeAgent: revokeMethod,
} = wire.ClusterService.method;
const watchPageRows = 100;

/** The fleet, for its operators. */
@RpcService(wire.ClusterService)
export class ClusterController implements RpcHandlers<typeof wire.ClusterService, Principal> {
  constructor(
    @Inject(gatewayParts.store) private readonly store: Store,
    @Inject(gatewayParts.ids) private readonly ids: Ids,
    @Inject(gatewayParts.enrolment) private readonly enrolment: EnrolmentPoint,
    @Inject(Authenticator) private readonly authenticator: Authenticator,
  ) {}

  async registerCluster(request: wire.RegisterClusterRequest, { principal }: Call) {
    const asked = { actor: actorOf(principal), requestId: request.requestId };
    return await this.store.unitOfWork.run(storePrincipalOf(principal), (tx) =>
      once(tx, { principal, method: registerMethod, request, kept: withoutToken }, () =>
        registerCluster(tx, request, { ids: this.ids, enrolment: this.enrolment }, asked),
      ),
    );
  }

  async createEnrolmentToken(request: wire.CreateEnrolmentTokenRequest, { principal }: Call) {
    const { cluster } = readClusterName(request.name);
    const asked = { actor: actorOf(principal), requestId: '' };
    return await this.store.unitOfWork.run(storePrincipalOf(principal), (tx) =>
      createEnrolmentToken(tx, cluster, { ids: this.ids, enrolment: this.enrolment }, asked),
    );
  }

  async getCluster(request: wire.GetClusterRequest, { principal }: Call) {
    const { cluster: id } = readClusterName(request.name);
    const cluster = await readCluster(readerFor(this.store, principal), id);
    if (cluster === undefined) throw new NotFound({ kind: 'cluster', name: request.name });
    return clusterToWire(cluster);
  }

  async listClusters(request: wire.ListClustersRequest, { principal }: Call) {
    const query = ['clusters'];
    const page = readPage(request, query);
    const bounds = { after: page.after ?? '', limit: page.size + 1 };
    const rows = await readClusters(readerFor(this.store, principal), bounds);
    const cut = cutPage(rows, page, query, ({ id }) => id);
    return { clusters: cut.rows.map(clusterToWire), nextPageToken: cut.nextPageToken };
  }

  async listOrphans(request: wire.ListOrphansRequest, { principal }: Call) {
    const { cluster } = readClusterName(request.name);
    const read = readerFor(this.store, principal);
    if ((await readCluster(read, cluster)) === undefined) throw new NotFound({ kind: 'cluster', name: request.name });
    const query = ['orphans', cluster];
    const page = readPage(request, query);
    const rows = await readOrphans(read, cluster, { after: page.after ?? '', limit: page.size + 1 });
    const cut = cutPage(rows, page, query, ({ uid }) => uid);
    return { orphans: cut.rows.map(orphanToWire), nextPageToken: cut.nextPageToken };
  }

  async updateCluster(request: wire.UpdateClusterRequest, { principal }: Call) {
    const { cluster } = readClusterName(request.cluster?.name ?? '', 'cluster.name');
    const asked = { actor: actorOf(principal), requestId: request.requestId };
    return await this.store.unitOfWork.run(storePrincipalOf(principal), (tx) =>
      once(tx, { principal, method: updateMethod, request }, () => changeCluster(tx, cluster, request, asked)),
    );
  }

  async removeCluster(request: wire.RemoveClusterRequest, { principal }: Call) {
    const { cluster } = readClusterName(request.name);
    const asked = { actor: actorOf(principal), requestId: request.requestId };
    return await this.store.unitOfWork.run(storePrincipalOf(principal), (tx) =>
      once(tx, { principal, method: removeMethod, request }, () =>
        removeCluster(tx, cluster, { request, ids: this.ids, asked }),
      ),
    );
  }

  async revokeAgent(request: wire.RevokeAgentRequest, { principal }: Call) {
    const { cluster } = readClusterName(request.name);
    const asked = { actor: actorOf(principal), requestId: request.requestId };
    return await this.store.unitOfWork.run(storePrincipalOf(principal), (tx) =>
      once(tx, { principal, method: revokeMethod, request }, () => cutOffAgent(tx, cluster, asked)),
    );
  }

  async watchClusters(
    request: wire.WatchClustersRequest,
    { principal, signal }: Call,
    out: ServerStreamWriter<typeof wire.WatchClustersResponseSchema>,
  ) {
    const only = request.name === '' ? undefined : readClusterName(request.name).cluster;
    const read = readerFor(this.store, principal);
    const key = this.authenticator.follow(principal);
    const watched = {
      kind: 'cluster' as const,
      idOf: ({ resource }: { resource: string }) => (only === undefined || resource === only ? resource : undefined),
      all: () => this.#pages(principal, only),
      read: (id: string) => readCluster(read, id),
      changed: (cluster: StoredCluster, resumeToken: string) =>
        out.write({ resumeToken, event: { case: 'changed', value: clusterToWire(cluster) } }),
      deleted: (id: string, resumeToken: string) =>
        out.write({ resumeToken, event: { case: 'deleted', value: clusterName(id) } }),
      synced: (resumeToken: string) => out.write({ resumeToken, event: { case: 'synced', value: {} } }),
    };
    try {
      await watch<StoredCluster>(this.store, request.resumeToken, watched, AbortSignal.any([signal, key.signal]));
    } finally {
      key.end();
    }
  }

  async *#pages(principal: Principal, only: string | undefined): AsyncGenerator<StoredCluster[], void, undefined> {
    const read = readerFor(this.store, principal);
    if (only !== undefined) {
      const one = await readCluster(read, only);
      yield one === undefined ? [] : [one];
      return;
    }
    for (let after = ''; ; ) {
      const page = await readClusters(read, { after, limit: watchPageRows });
      yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < watchPageRows) return;
      after = last.id;
    }
  }
}
