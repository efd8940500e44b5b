import { Inject } from '@nestjs/common';
import { readApplicationName, wire } from '#contract';
import type { Clock, Ids, Principal } from '#domain';
import { defaultPolicy, withPlugins } from '#placement';
import { type RpcCall, type RpcHandlers, RpcService, type ServerStreamWriter } from '#platform';
import type { PluginHost } from '#plugins';
import type { Store } from '#store';
import { Authenticator } from '../auth/authenticator.js';
import { mutate } from '../dry-run.js';
import { once } from '../idempotent.js';
import { gatewayParts } from '../parts.js';
import { actorOf, storePrincipalOf } from '../principal.js';
import { type Applied, type ApplyOrder, applyApplication, lockScene, type Scene, SharedRows } from './apply.js';
import { deleteApplication } from './delete.js';
import { GatewayFleet } from './fleet.js';
import { GroupCommit } from './group-commit.js';
import { environmentOf, explainApplication, getRelease, getRevision, listReleases, listRevisions } from './history.js';
import { readIntake } from './intake.js';
import { applyAsPlanned, type PlanningParts, planApplication } from './planning.js';
import { ApplicationReads, listApplications, watchApplications } from './reading.js';

type Call = RpcCall<Principal>;
const { applyApplication: applyMethod, deleteApplication: deleteMethod } = wire.ApplicationService.method;

interface ApplyAsk {
  principal: Principal;
  request: wire.ApplyApplicationRequest;
  order: ApplyOrder;
}

/** Whose rights a transaction has, and the project whose row it locks. */
const laneOf = ({ principal, order: { key } }: ApplyAsk): string =>
  JSON.stringify([storePrincipalOf(principal).kind, principal.tenant ?? '', key.tenant, key.project]);

/** What is asked for, read and checked; as an apply and as a plan. */
const orderOf = (
  request: Pick<wire.ApplyApplicationRequest, 'name' | 'environment' | 'source' | 'etag'>,
  principal: Principal,
  requestId: string,
): ApplyOrder => ({
  key: readApplicationName(request.name),
  environment: environmentOf(request),
  intake: readIntake(request.source),
  etag: request.etag,
  requestId,
  author: actorOf(principal),
});

/** Composite applications, for the tenants that own them. */
@RpcService(wire.ApplicationService)
export class ApplicationController implements RpcHandlers<typeof wire.ApplicationService, Principal> {
  readonly #reads: ApplicationReads;
  readonly #planning: PlanningParts;
  readonly #applies = new GroupCommit<ApplyAsk, Applied>({
    laneOf,
    subjectOf: ({ order }) => order.key.application,
    mostItems: 16,
    mostGroups: 2,
    take: (asks) => this.#applyTogether(asks),
  });

  constructor(
    @Inject(gatewayParts.store) private readonly store: Store,
    @Inject(gatewayParts.ids) private readonly ids: Ids,
    @Inject(gatewayParts.clock) clock: Clock,
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(gatewayParts.plugins) plugins: PluginHost | undefined,
  ) {
    this.#reads = new ApplicationReads(store);
    const policy = withPlugins(defaultPolicy, plugins?.plugins ?? []);
    this.#planning = { store, ids, clock, fleet: new GatewayFleet(), policy, plugins };
  }

  async applyApplication(request: wire.ApplyApplicationRequest, { principal }: Call) {
    const { validateOnly, plan } = request;
    const order = orderOf(request, principal, request.requestId);
    if (!validateOnly && plan === '') return await this.#applies.join({ principal, request, order });
    return await mutate(this.store, storePrincipalOf(principal), validateOnly, (tx) => {
      const work = (): Promise<Applied> =>
        plan === '' ? applyApplication(tx, order, this.ids) : applyAsPlanned(tx, order, plan, this.#planning);
      return validateOnly ? work() : once(tx, { principal, method: applyMethod, request }, work);
    });
  }

  planApplication(request: wire.PlanApplicationRequest, { principal }: Call) {
    return planApplication(storePrincipalOf(principal), orderOf(request, principal, ''), this.#planning);
  }

  /** Applies of one project in one transaction: all are taken in, or none is. */
  async #applyTogether(asks: readonly ApplyAsk[]): Promise<readonly Applied[]> {
    const [first] = asks;
    if (first === undefined) return [];
    return await this.store.unitOfWork.run(storePrincipalOf(first.principal), async (tx) => {
      const shared = new SharedRows();
      const scenes = new Map<ApplyOrder, Promise<Scene>>();
      const sceneOf = (order: ApplyOrder): Promise<Scene> => {
        const scene = scenes.get(order) ?? lockScene(tx, order);
        scenes.set(order, scene);
        return scene;
      };
      const applied = asks.map(({ principal, request, order }) => {
        const answer = once(tx, { principal, method: applyMethod, request }, () =>
          applyApplication(tx, order, this.ids, { shared, scene: sceneOf(order) }),
        );
        // Sent right behind the question whether this request came before: whoever repeats one needs no scene.
        void sceneOf(order).catch(() => undefined);
        return answer;
      });
      await tx.together([...applied, Promise.allSettled(scenes.values())]);
      return await Promise.all(applied);
    });
  }

  async getApplication(request: wire.GetApplicationRequest, { principal }: Call) {
    return this.#reads.get(principal, request.name);
  }

  listApplications(request: wire.ListApplicationsRequest, { principal }: Call) {
    return listApplications(this.store, principal, request);
  }

  async deleteApplication(request: wire.DeleteApplicationRequest, { principal }: Call) {
    const key = readApplicationName(request.name);
    const order = { key, etag: request.etag, requestId: request.requestId, author: actorOf(principal) };
    return await mutate(this.store, storePrincipalOf(principal), request.validateOnly, (tx) => {
      const work = () => deleteApplication(tx, order, this.ids);
      return request.validateOnly ? work() : once(tx, { principal, method: deleteMethod, request }, work);
    });
  }

  watchApplications(
    request: wire.WatchApplicationsRequest,
    call: Call,
    out: ServerStreamWriter<typeof wire.WatchApplicationsResponseSchema>,
  ) {
    return watchApplications({ store: this.store, authenticator: this.authenticator }, request, call, out);
  }

  explainApplication(request: wire.ExplainApplicationRequest, { principal }: Call) {
    return explainApplication(this.store, principal, request);
  }

  getRevision(request: wire.GetRevisionRequest, { principal }: Call) {
    return getRevision(this.store, principal, request.name);
  }

  listRevisions(request: wire.ListRevisionsRequest, { principal }: Call) {
    return listRevisions(this.store, principal, request);
  }

  getRelease(request: wire.GetReleaseRequest, { principal }: Call) {
    return getRelease(this.store, principal, request.name);
  }

  listReleases(request: wire.ListReleasesRequest, { principal }: Call) {
    return listReleases(this.store, principal, request);
  }
}
