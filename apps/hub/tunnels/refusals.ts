import { type ClusterId, DomainError } from '#domain';

/** No agent's line of this cluster ends here: it is down, or has just moved to another hub. */
export class AgentNotConnected extends DomainError {
  readonly code = 'UNAVAILABLE';
  readonly reason = 'AGENT_NOT_CONNECTED';
  override readonly metadata: Readonly<Record<string, string>>;
  override readonly retryAfterMs = 1000;

  constructor(cluster: ClusterId) {
    super(`no agent of cluster "${cluster}" is connected`);
    this.metadata = { cluster };
  }
}

/** The agent was told of the tunnel and did nothing: those before 0.2 don't know tunnels. */
export class AgentTooOld extends DomainError {
  readonly code = 'UNIMPLEMENTED';
  readonly reason = 'AGENT_TOO_OLD';
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(cluster: ClusterId, withinMs: number) {
    super(
      `the agent of cluster "${cluster}" did not open the tunnel within ${withinMs} ms; is it too old for logs, exec and port-forward?`,
    );
    this.metadata = { cluster };
  }
}

/** So many are open through this agent at once already. */
export class TooManyTunnels extends DomainError {
  readonly code = 'RESOURCE_EXHAUSTED';
  readonly reason = 'TOO_MANY_TUNNELS';
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(cluster: ClusterId, most: number) {
    super(`cluster "${cluster}" has ${most} logs, commands and connections open, and no more are allowed`);
    this.metadata = { cluster };
  }
}
