import type { ClusterId } from '#domain';
import type { FramePipe } from '#platform';
import { TooManyTunnels } from './refusals.js';

/** Through one agent at a time. */
const mostPerCluster = 256;

/** A tunnel whose gateway is here, and whose agent has been called or has come. */
export class Meeting {
  #arrive: (agent: FramePipe) => void = () => undefined;
  #part: () => void = () => undefined;
  /** The agent's end, once it is here. */
  readonly agent = new Promise<FramePipe>((resolve) => {
    this.#arrive = resolve;
  });
  /** Resolves when the tunnel is over. */
  readonly over = new Promise<void>((resolve) => {
    this.#part = resolve;
  });

  constructor(
    readonly tunnel: string,
    readonly cluster: ClusterId,
  ) {}

  arrive(agent: FramePipe): void {
    this.#arrive(agent);
  }

  part(): void {
    this.#part();
  }
}

/** Where the two ends of each tunnel find each other, in this hub. */
export class Meetings {
  readonly #open = new Map<string, Meeting>();
  readonly #awaited = new Set<string>();
  readonly #perCluster = new Map<ClusterId, number>();

  /** @throws TooManyTunnels */
  open(tunnel: string, cluster: ClusterId): Meeting {
    const before = this.#perCluster.get(cluster) ?? 0;
    if (before >= mostPerCluster) throw new TooManyTunnels(cluster, mostPerCluster);
    this.#perCluster.set(cluster, before + 1);
    const meeting = new Meeting(tunnel, cluster);
    this.#open.set(tunnel, meeting);
    this.#awaited.add(tunnel);
    return meeting;
  }

  /** The tunnel that waits for this agent; once, and for no other cluster's. */
  join(tunnel: string, cluster: ClusterId): Meeting | undefined {
    const meeting = this.#open.get(tunnel);
    if (meeting?.cluster !== cluster || !this.#awaited.delete(tunnel)) return undefined;
    return meeting;
  }

  close(meeting: Meeting): void {
    this.#open.delete(meeting.tunnel);
    this.#awaited.delete(meeting.tunnel);
    const left = (this.#perCluster.get(meeting.cluster) ?? 1) - 1;
    if (left === 0) this.#perCluster.delete(meeting.cluster);
    else this.#perCluster.set(meeting.cluster, left);
    meeting.part();
  }
}
