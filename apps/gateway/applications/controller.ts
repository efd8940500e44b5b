import { Inject } from '@nestjs/common';
import { readApplicationName, wire } from '#contract';
import type { Ids, Principal } from '#domain';
import { type RpcCall, type RpcHandlers, RpcService, type ServerStreamWriter } from '#platform';
import type { Store } from '#store';
import { Authenticator } from '../auth/authenticator.js';
import { mutate } from '../dry-run.js';
import { once } from '../idempotent.js';
import { gatewayParts } from '../parts.js';
import { actorOf, storePrincipalOf } from '../principal.js';
import { type Applied, applyApplication } from './apply.js';
import { deleteApplication } from './delete.js';
import { environmentOf, explainApplication, getRelease, getRevision, listReleases, listRevisions } from './history.js';
import { readIntake } from './intake.js';
import { ApplicationReads, listApplications, watchApplications } from './reading.js';

type Call = RpcCall<Principal>;
const { applyApplication: applyMethod, deleteApplication: deleteMethod } = wire.ApplicationService.method;

/** Composite applications, for the tenants that own them. */
@RpcService(wire.ApplicationService)
export class ApplicationController implements RpcHandlers<typeof wire.ApplicationService, Principal> {
  readonly #reads: ApplicationReads;

  constructor(
    @Inject(gatewayParts.store) private readonly store: Store,
    @Inject(gatewayParts.ids) private readonly ids: Ids,
    @Inject(Authenticator) private readonly authenticator: Authenticator,
  ) {
    this.#reads = new ApplicationReads(store);
  }

  async applyApplication(request: wire.ApplyApplicationRequest, { principal }: Call) {
    const key = readApplicationName(request.name);
    const order = {
      key,
      environment: environmentOf(request),
      intake: readIntake(request.source),
      etag: request.etag,
      requestId: request.requestId,
      author: actorOf(principal),
    };
    return await mutate(this.store, storePrincipalOf(principal), request.validateOnly, (tx): Promise<Applied> => {
      const work = () => applyApplication(tx, order, this.ids);
      return request.validateOnly ? work() : once(tx, { principal, method: applyMethod, request }, work);
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
