import { create } from '@bufbuild/protobuf';
import { Inject } from '@nestjs/common';
import {
  apiKeyToWire,
  environmentName,
  environmentToWire,
  projectName,
  projectToWire,
  quotaFromWire,
  readProjectName,
  readTenantName,
  tenantName,
  tenantToWire,
  wire,
} from '#contract';
import type { Clock, Ids, JsonValue, Principal } from '#domain';
import { InvalidRequest, NotFound } from '#domain';
import { type RpcCall, type RpcHandlers, RpcService } from '#platform';
import {
  readApiKeys,
  readEnvironments,
  readProject,
  readProjects,
  readTenant,
  readTenants,
  type Store,
  type Transaction,
  updateQuota,
  updateTenantWeight,
} from '#store';
import { Authenticator } from '../auth/authenticator.js';
import { once } from '../idempotent.js';
import { cutPage, readPage } from '../pages.js';
import { gatewayParts } from '../parts.js';
import { actorOf, readerFor, storePrincipalOf } from '../principal.js';
import { createKey, endKey, ownerOf, readNewKey } from './keys.js';
import { checkNames, makeEnvironment, makeKey, makeProject, makeTenant } from './making.js';

type Call = RpcCall<Principal>;
const {
  createTenant: tenantMethod,
  createProject: projectMethod,
  createEnvironment: environmentMethod,
  setQuota: quotaMethod,
  setTenantWeight: weightMethod,
} = wire.TenancyService.method;

/** The part of an answer that may be kept for a repetition: the secret is shown once. */
const withoutSecret = (answer: wire.CreateTenantResponse): wire.CreateTenantResponse =>
  create(wire.CreateTenantResponseSchema, { ...answer, ownerKeySecret: '' });

const quotaJson = (quota: {
  mcpu: number | undefined;
  memoryBytes: number | undefined;
  pods: number | undefined;
}): JsonValue => ({
  mcpu: quota.mcpu ?? null,
  memoryBytes: quota.memoryBytes ?? null,
  pods: quota.pods ?? null,
});

const mostWeight = 1000;

/** @throws InvalidRequest */
function checkWeight(weight: number): void {
  if (weight >= 1 && weight <= mostWeight) return;
  throw new InvalidRequest([{ field: 'weight', description: `found ${weight}; must be 1 to ${mostWeight}` }]);
}

/** Tenants, projects, environments and keys. */
@RpcService(wire.TenancyService)
export class TenancyController implements RpcHandlers<typeof wire.TenancyService, Principal> {
  constructor(
    @Inject(gatewayParts.store) private readonly store: Store,
    @Inject(gatewayParts.ids) private readonly ids: Ids,
    @Inject(gatewayParts.clock) private readonly clock: Clock,
    @Inject(Authenticator) private readonly authenticator: Authenticator,
  ) {}

  #change<T>(principal: Principal, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.store.unitOfWork.run(storePrincipalOf(principal), work);
  }

  async createTenant(request: wire.CreateTenantRequest, { principal }: Call) {
    const { tenantId: id, displayName, requestId } = request;
    checkNames({ field: 'tenant_id', value: id }, displayName);
    return await this.#change(principal, (tx) =>
      once(tx, { principal, method: tenantMethod, request, kept: withoutSecret }, async () => {
        const tenant = await makeTenant(tx, { id, displayName });
        await makeProject(tx, this.ids, { tenant: id, id: 'default', displayName: '' });
        const owner = {
          tenant: id,
          project: undefined,
          displayName: 'default',
          role: 'owner',
          expiresAt: undefined,
        } as const;
        const { key, text } = await makeKey(tx, this.ids, owner);
        const after = { displayName, ownerKey: key.id };
        await this.#record(tx, principal, id, {
          action: 'tenants.create',
          target: tenantName(id),
          requestId,
          before: null,
          after,
        });
        return { tenant: tenantToWire(tenant), ownerKey: apiKeyToWire(key), ownerKeySecret: text };
      }),
    );
  }

  async getTenant(request: wire.GetTenantRequest, { principal }: Call) {
    const { tenant: id } = readTenantName(request.name);
    const tenant = await readTenant(readerFor(this.store, principal), id);
    if (tenant === undefined) throw new NotFound({ kind: 'tenant', name: request.name });
    return tenantToWire(tenant);
  }

  async listTenants(request: wire.ListTenantsRequest, { principal }: Call) {
    const query = ['tenants', principal.tenant ?? ''];
    const page = readPage(request, query);
    const bounds = { after: page.after ?? '', limit: page.size + 1 };
    const rows = await readTenants(readerFor(this.store, principal), bounds);
    const cut = cutPage(rows, page, query, ({ id }) => id);
    return { tenants: cut.rows.map(tenantToWire), nextPageToken: cut.nextPageToken };
  }

  async setTenantWeight(request: wire.SetTenantWeightRequest, { principal }: Call) {
    const { tenant: id } = readTenantName(request.name);
    const { name: target, weight, requestId } = request;
    checkWeight(weight);
    return await this.#change(principal, (tx) =>
      once(tx, { principal, method: weightMethod, request }, async () => {
        const changed = await updateTenantWeight(tx, { id, weight });
        if (changed === undefined) throw new NotFound({ kind: 'tenant', name: target });
        await this.#record(tx, principal, id, {
          action: 'tenants.setWeight',
          target,
          requestId,
          before: { weight: changed.before.weight },
          after: { weight },
        });
        return tenantToWire(changed.after);
      }),
    );
  }

  async createProject(request: wire.CreateProjectRequest, { principal }: Call) {
    const { tenant } = readTenantName(request.parent, 'parent');
    const { projectId: id, displayName, requestId } = request;
    checkNames({ field: 'project_id', value: id }, displayName);
    return await this.#change(principal, (tx) =>
      once(tx, { principal, method: projectMethod, request }, async () => {
        await this.#needTenant(tx, tenant);
        const project = await makeProject(tx, this.ids, { tenant, id, displayName });
        const target = projectName(tenant, id);
        const after = { displayName };
        await this.#record(tx, principal, tenant, {
          action: 'projects.create',
          target,
          requestId,
          before: null,
          after,
        });
        return projectToWire(project);
      }),
    );
  }

  async getProject(request: wire.GetProjectRequest, { principal }: Call) {
    const project = await readProject(readerFor(this.store, principal), readProjectName(request.name));
    if (project === undefined) throw new NotFound({ kind: 'project', name: request.name });
    return projectToWire(project);
  }

  async listProjects(request: wire.ListProjectsRequest, { principal }: Call) {
    const { tenant } = readTenantName(request.parent, 'parent');
    const query = ['projects', request.parent];
    const page = readPage(request, query);
    const bounds = { tenant, only: principal.project, after: page.after ?? '', limit: page.size + 1 };
    const rows = await readProjects(readerFor(this.store, principal), bounds);
    const cut = cutPage(rows, page, query, ({ id }) => id);
    return { projects: cut.rows.map(projectToWire), nextPageToken: cut.nextPageToken };
  }

  async setQuota(request: wire.SetQuotaRequest, { principal }: Call) {
    const key = readProjectName(request.name);
    const quota = quotaFromWire(request.quota);
    const { name: target, requestId } = request;
    return await this.#change(principal, (tx) =>
      once(tx, { principal, method: quotaMethod, request }, async () => {
        const changed = await updateQuota(tx, key, quota);
        if (changed === undefined) throw new NotFound({ kind: 'project', name: target });
        const [before, after] = [quotaJson(changed.before.quota), quotaJson(changed.after.quota)];
        await this.#record(tx, principal, key.tenant, {
          action: 'projects.setQuota',
          target,
          requestId,
          before,
          after,
        });
        return projectToWire(changed.after);
      }),
    );
  }

  async createEnvironment(request: wire.CreateEnvironmentRequest, { principal }: Call) {
    const key = readProjectName(request.parent, 'parent');
    const { environmentId: id, displayName, requestId } = request;
    checkNames({ field: 'environment_id', value: id }, displayName);
    return await this.#change(principal, (tx) =>
      once(tx, { principal, method: environmentMethod, request }, async () => {
        const project = await readProject((sql, parameters) => tx.query(sql, parameters), key);
        if (project === undefined) throw new NotFound({ kind: 'project', name: request.parent });
        const environment = await makeEnvironment(tx, this.ids, { ...key, id, displayName });
        const target = environmentName(key.tenant, key.project, id);
        const after = { displayName, namespace: environment.namespace };
        await this.#record(tx, principal, key.tenant, {
          action: 'environments.create',
          target,
          requestId,
          before: null,
          after,
        });
        return environmentToWire(environment);
      }),
    );
  }

  async listEnvironments(request: wire.ListEnvironmentsRequest, { principal }: Call) {
    const key = readProjectName(request.parent, 'parent');
    const query = ['environments', request.parent];
    const page = readPage(request, query);
    const read = readerFor(this.store, principal);
    const rows = await readEnvironments(read, { ...key, after: page.after ?? '', limit: page.size + 1 });
    if (rows.length === 0 && (await readProject(read, key)) === undefined)
      throw new NotFound({ kind: 'project', name: request.parent });
    const cut = cutPage(rows, page, query, ({ id }) => id);
    return { environments: cut.rows.map(environmentToWire), nextPageToken: cut.nextPageToken };
  }

  async createApiKey(request: wire.CreateApiKeyRequest, { principal }: Call) {
    const of = readNewKey(request, principal, this.clock);
    const { key, text } = await this.#change(principal, async (tx) => {
      if (of.tenant !== undefined) await this.#needTenant(tx, of.tenant);
      return await createKey(tx, this.ids, of, actorOf(principal));
    });
    return { apiKey: apiKeyToWire(key), secret: text };
  }

  async listApiKeys(request: wire.ListApiKeysRequest, { principal }: Call) {
    const tenant = ownerOf(request.parent, principal);
    const query = ['keys', request.parent];
    const page = readPage(request, query);
    const bounds = { tenant, only: principal.project, after: page.after ?? '', limit: page.size + 1 };
    const rows = await readApiKeys(readerFor(this.store, principal), bounds);
    const cut = cutPage(rows, page, query, ({ id }) => id);
    return { apiKeys: cut.rows.map(apiKeyToWire), nextPageToken: cut.nextPageToken };
  }

  async revokeApiKey(request: wire.RevokeApiKeyRequest, { principal }: Call) {
    const { key } = await this.#change(principal, (tx) => endKey(tx, request.name, principal));
    // Other gateways hear of it through the feed; here it ends at once.
    this.authenticator.drop(key.id);
    return apiKeyToWire(key);
  }

  async #needTenant(tx: Transaction, id: string): Promise<void> {
    const tenant = await readTenant((sql, parameters) => tx.query(sql, parameters), id);
    if (tenant === undefined) throw new NotFound({ kind: 'tenant', name: tenantName(id) });
  }

  #record(
    tx: Transaction,
    principal: Principal,
    tenant: string,
    entry: { action: string; target: string; requestId: string; before: JsonValue; after: JsonValue },
  ): Promise<void> {
    return tx.audit.append({ tenant, actor: actorOf(principal), ...entry });
  }
}
