import { Agent } from './agent.js';
import type { AgentIdentity } from './identity/identity.js';
import { Connector, type Dial } from './line/connector.js';
import type { AgentParts } from './seams.js';
import { TunnelDesk } from './tunnels/desk.js';
import { WorkChanges } from './tunnels/work-changes.js';
import { WatchTroubles } from './watch-trouble.js';

/** What the agent shows to the hub, and what keeps it in force until the agent ends. */
export interface IdentitySource {
  readonly current: AgentIdentity;
  keepFresh(): Promise<void>;
}

/** Watches, applies and reports until the signal aborts; rejects with a defect, or when the identity counts no more. */
export async function live(parts: Omit<AgentParts, 'watch'>, dial: Dial, identity: IdentitySource): Promise<void> {
  const { member, log, timing, signal } = parts;
  let onDefect: (error: unknown) => void = () => undefined;
  const defect = new Promise<never>((_, reject) => {
    onDefect = reject;
  });
  let agent: Agent | undefined;
  const changes = new WorkChanges();
  const troubles = new WatchTroubles(log, timing.clock);
  const watch = member.watchOwned({
    onChange: (workId) => {
      agent?.changed(workId);
      changes.tell(workId);
    },
    ordered: (object) => agent?.ordered(object),
    onTrouble: (trouble) => troubles.failed(trouble),
    onRecovered: (kind) => troubles.recovered(kind),
    signal,
  });
  const complete: AgentParts = { ...parts, watch };
  agent = new Agent(complete, onDefect);
  const connector = new Connector(agent, complete, dial, identity, new TunnelDesk(complete, changes));
  await Promise.race([Promise.all([connector.run(), identity.keepFresh(), watch.done]), defect]);
}
