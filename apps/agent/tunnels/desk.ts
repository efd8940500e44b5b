import { setMaxListeners } from 'node:events';
import type { line } from '#contract';
import { NotBuilt } from '#domain';
import type { PodAccess } from '#kube';
import { type ClientBidi, type FramePipe, frameOf, TunnelEndpoint } from '#platform/light';
import type { AgentParts } from '../seams.js';
import { endFor, refusalFor } from './end.js';
import { serveTunnel } from './serve.js';
import type { WorkChanges } from './work-changes.js';
import type { TunnelWorld } from './world.js';

/** The agent's end of one tunnel. */
export type AttachStream = ClientBidi<typeof line.AttachRequestSchema, typeof line.AttachResponseSchema>;

/** The tunnels that are open through this agent. Whatever fails in one ends that one, and nothing else. */
export class TunnelDesk {
  constructor(
    private readonly parts: AgentParts,
    private readonly changes: WorkChanges,
  ) {}

  /** Takes orders of one stream to the hub, until `signal` says that it is over. */
  during(signal: AbortSignal, attach: () => AttachStream): (open: line.TunnelOpen) => void {
    setMaxListeners(0, signal); // one for each tunnel
    return (open) => {
      void this.serve(open, attach(), signal).catch((error: unknown) => {
        if (!signal.aborted) this.parts.log.warn({ tunnel: open.tunnel, err: error }, 'a tunnel failed');
      });
    };
  }

  private async serve({ tunnel, order }: line.TunnelOpen, stream: AttachStream, session: AbortSignal): Promise<void> {
    const over = new AbortController();
    const cut = () => over.abort(session.reason);
    session.addEventListener('abort', cut, { once: true });
    if (session.aborted) cut();
    setMaxListeners(0, over.signal); // one for each pod that is read
    try {
      await stream.write({ message: { case: 'tunnel', value: tunnel } });
      const end = new TunnelEndpoint(pipeOf(stream));
      void end.over.then(() => over.abort(new Error('the other end is gone')));
      const ended = await this.endOf(order, end, over.signal);
      if (!over.signal.aborted) await end.control(frameOf({ case: 'end', value: ended }));
      stream.end();
      if (!over.signal.aborted) await end.over;
    } finally {
      session.removeEventListener('abort', cut);
      over.abort();
      stream.cancel();
    }
  }

  private async endOf(
    order: line.TunnelOrder | undefined,
    end: TunnelEndpoint,
    signal: AbortSignal,
  ): Promise<line.TunnelEnd> {
    try {
      if (order === undefined) throw new NotBuilt([{ field: 'order', description: 'found none' }]);
      return await serveTunnel(this.world(), order, end, signal);
    } catch (error) {
      if (!signal.aborted && refusalFor(error) === undefined)
        this.parts.log.error({ err: error }, 'a tunnel failed for a reason that is not its caller’s');
      return endFor(error);
    }
  }

  private world(): TunnelWorld {
    const { watch, timing, log, member } = this.parts;
    return { watch, timing, log, changes: this.changes, access: accessOf(member.podAccess) };
  }
}

function accessOf(access: PodAccess | undefined): PodAccess {
  if (access === undefined) throw new NotBuilt([{ field: 'order', description: 'this member has no pods to go into' }]);
  return access;
}

const pipeOf = (stream: AttachStream): FramePipe => ({
  write: (frame) => stream.write({ message: { case: 'frame', value: frame } }),
  frames: framesOf(stream),
});

async function* framesOf({ messages }: AttachStream): AsyncGenerator<line.TunnelFrame, void, undefined> {
  for await (const { frame } of messages) if (frame !== undefined) yield frame;
}
