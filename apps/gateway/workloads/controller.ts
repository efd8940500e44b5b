import { Inject } from '@nestjs/common';
import { wire } from '#contract';
import type { Clock, Ids, Principal } from '#domain';
import { type RpcCall, type RpcHandlers, RpcService, type ServerStreamWriter } from '#platform';
import type { Store } from '#store';
import { Authenticator } from '../auth/authenticator.js';
import { gatewayParts } from '../parts.js';
import { type ExecStream, exec } from './exec.js';
import { type ForwardStream, portForward } from './forward.js';
import { readLogs } from './logs.js';
import type { WorkloadParts } from './open.js';
import { Relays } from './relays.js';
import { TicketOffice } from './tickets.js';

type Call = RpcCall<Principal>;

/** Into running pods, through the agents' lines. */
@RpcService(wire.WorkloadService)
export class WorkloadController implements RpcHandlers<typeof wire.WorkloadService, Principal> {
  readonly #parts: WorkloadParts;

  constructor(
    @Inject(gatewayParts.store) store: Store,
    @Inject(gatewayParts.ids) ids: Ids,
    @Inject(gatewayParts.clock) clock: Clock,
    @Inject(Authenticator) authenticator: Authenticator,
    @Inject(Relays) relays: Relays,
  ) {
    this.#parts = { store, clock, authenticator, relays, office: new TicketOffice(store, ids) };
  }

  readLogs(request: wire.ReadLogsRequest, call: Call, out: ServerStreamWriter<typeof wire.ReadLogsResponseSchema>) {
    return readLogs(this.#parts, request, call, out);
  }

  exec(stream: ExecStream, call: Call) {
    return exec(this.#parts, stream, call);
  }

  portForward(stream: ForwardStream, call: Call) {
    return portForward(this.#parts, stream, call);
  }
}
