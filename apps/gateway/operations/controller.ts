import { Inject } from '@nestjs/common';
import {
  operationToWire,
  projectName,
  readFleetOperationName,
  readTenantName,
  readTenantOperationName,
  tenantOfName,
  wire,
} from '#contract';
import { InvalidRequest, NotFound, PermissionDenied, type Principal } from '#domain';
import { type RpcCall, type RpcHandlers, RpcService } from '#platform';
import { readOperation, readOperations, type Store } from '#store';
import { cutPage, readPage } from '../pages.js';
import { gatewayParts } from '../parts.js';
import { actorOf, readerFor } from '../principal.js';

type Call = RpcCall<Principal>;

/** The fleet's operations are its operators', a tenant's are its own: neither reads the other's. */
function checkOwner(principal: Principal, tenant: string | undefined, on: string): void {
  if ((principal.tenant === undefined) === (tenant === undefined)) return;
  throw new PermissionDenied({ permission: 'operations.read', principal: actorOf(principal), on });
}

/** What the targets of a caller's operations begin with: a key that is bound to a project sees those of that project. */
const targetsOf = ({ tenant, project }: Principal): string =>
  tenant === undefined || project === undefined ? '' : `${projectName(tenant, project)}/`;

const placeForm = /^([^|]{1,64})\|([0-9a-f-]{36})$/;

function readPlace(after: string | undefined): { createdAt: string; id: string } | undefined {
  if (after === undefined) return undefined;
  const [, createdAt, id] = placeForm.exec(after) ?? [];
  if (createdAt === undefined || id === undefined || Number.isNaN(Date.parse(createdAt)))
    throw new InvalidRequest([{ field: 'page_token', description: 'is not a token of this listing' }]);
  return { createdAt, id };
}

/** Long work that a call began. */
@RpcService(wire.OperationService)
export class OperationController implements RpcHandlers<typeof wire.OperationService, Principal> {
  constructor(@Inject(gatewayParts.store) private readonly store: Store) {}

  async getOperation(request: wire.GetOperationRequest, { principal }: Call) {
    const tenant = tenantOfName(request.name);
    const { operation: id } =
      tenant === undefined ? readFleetOperationName(request.name) : readTenantOperationName(request.name);
    checkOwner(principal, tenant, request.name);
    const key = { tenant, id, targets: targetsOf(principal) };
    const operation = await readOperation(readerFor(this.store, principal), key);
    if (operation === undefined) throw new NotFound({ kind: 'operation', name: request.name });
    return operationToWire(operation);
  }

  async listOperations(request: wire.ListOperationsRequest, { principal }: Call) {
    const tenant = request.parent === '' ? undefined : readTenantName(request.parent, 'parent').tenant;
    checkOwner(principal, tenant, request.parent === '' ? 'operations of the fleet' : request.parent);
    const query = ['operations', request.parent];
    const page = readPage(request, query);
    const rows = await readOperations(readerFor(this.store, principal), {
      tenant,
      targets: targetsOf(principal),
      after: readPlace(page.after),
      limit: page.size + 1,
    });
    const cut = cutPage(rows, page, query, ({ place, id }) => `${place}|${id}`);
    return { operations: cut.rows.map(operationToWire), nextPageToken: cut.nextPageToken };
  }
}
