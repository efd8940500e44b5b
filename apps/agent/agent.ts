import type { StatusReport } from '#contract';
import {
  type Incarnation,
  type Position,
  type Resources,
  Slots,
  type Tombstone,
  type Work,
  type WorkItem,
} from '#domain';
import type { Ordered, OwnedObject } from '#kube';
import { type AgentParts, rest } from './seams.js';
import { ReportDesk } from './status/report-desk.js';
import { arePodsSeen, arePodsSettled, namespacesOf, statusOf } from './status/work-view.js';
import { Applier } from './work/applier.js';
import { Deleter } from './work/deleter.js';
import { HandedBack } from './work/handed-back.js';
import { HeldWorks, leftUnsure } from './work/held-works.js';
import { Turns } from './work/turns.js';

/** Anybody may write a label: what is no work's id is nobody's work. */
const workIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const parallelWorks = 16;
const reportsInFlight = 8;

/** What a stream begins with. */
export interface Welcome {
  incarnation: Incarnation;
  /** The last sequence at that moment. */
  headSequence: bigint;
  fromBeginning: boolean;
}

/** What one cluster holds and tells, over however many streams. */
export class Agent {
  readonly held = new HeldWorks();
  /** Labels of nodes that the hub asked for; they outlive a stream. */
  nodeLabelKeys: readonly string[] = [];
  private readonly desk = new ReportDesk(reportsInFlight);
  private readonly applier: Applier;
  private readonly deleter: Deleter;
  private readonly handedBack: HandedBack;
  private incarnation: string | undefined;
  private session: object | undefined;
  private head = 0n;
  /** Orders that came before everything else was known: a newer work may want what they name. */
  private orders: Tombstone[] = [];
  private isWoken = false;
  /** Another agent of this cluster has the line: what is held here may be old, and is neither applied nor repaired. */
  private isStoodDown = false;
  /** The watch has listed everything once: before that, what it does not show may be there all the same. */
  private isSynced = false;
  private waiter: (() => void) | undefined;

  constructor(
    private readonly parts: AgentParts,
    onDefect: (error: unknown) => void,
  ) {
    const slots = new Slots(parallelWorks);
    const turns = new Turns();
    this.applier = new Applier(parts, this.held, slots, turns, {
      mayApply: () => !this.isStoodDown,
      onChange: (workId) => this.touched(workId),
      onDefect,
    });
    const onOutcome = (report: Parameters<ReportDesk['confirm']>[0]) => {
      this.desk.confirm(report);
      this.wake();
    };
    this.handedBack = new HandedBack(parts, this.held, (workId) => this.touched(workId));
    const onLetGo = (workId: string) => this.handedBack.expect(workId);
    this.deleter = new Deleter(parts, this.held, slots, turns, { onOutcome, onLetGo, onDefect });
    void parts.watch.synced.then(
      () => {
        this.isSynced = true;
        for (const workId of this.held.ids()) this.touched(workId);
      },
      () => undefined, // the agent ends, or the watch tells by `done`
    );
  }

  /** The last work that is held; undefined when none is. */
  get resumePoint(): Position | undefined {
    return this.incarnation === undefined ? undefined : { incarnation: this.incarnation, sequence: this.held.received };
  }

  beginSession(session: object, { incarnation, headSequence, fromBeginning }: Welcome): void {
    if (this.incarnation !== undefined && this.incarnation !== incarnation) {
      this.held.beginIncarnation();
      this.orders = [];
    } else if (fromBeginning) this.held.rewind();
    this.incarnation = incarnation;
    this.head = headSequence;
    this.session = session;
    this.desk.beginEpoch();
    this.caughtUp();
  }

  /** Until everything that was missed meanwhile has been received. */
  standDown(): void {
    this.isStoodDown = true;
  }

  endSession(session: object): void {
    if (this.session === session) this.session = undefined;
  }

  /** Works and tombstones, complete up to this sequence. */
  take(items: readonly WorkItem[], upTo: bigint, { moreFollows = false } = {}): void {
    for (const item of items) {
      if (item.kind === 'tombstone') this.orders.push(item.tombstone);
      else this.takeWork(item.work, this.held.take(item.work));
    }
    this.held.receivedUpTo(upTo, { moreFollows });
    this.caughtUp();
    this.wake();
  }

  private caughtUp(): void {
    if (this.held.received < this.head) return;
    for (const order of this.orders.splice(0)) this.deleter.take(order);
    if (!this.isStoodDown) return;
    this.isStoodDown = false;
    for (const workId of this.held.ids()) this.applier.due(workId, { isNew: false });
  }

  private takeWork({ id: workId, policy }: Work, isNew: boolean): void {
    if (isNew) this.parts.watch.setRules(workId, policy.statusRules);
    this.examine(workId);
    this.applier.due(workId, { isNew });
    this.desk.touch(workId);
  }

  /** The watch has shown a change. An empty id stands for what many works share: their namespaces. */
  changed(workId: string): void {
    if (workId === '') for (const each of this.held.ids()) this.desk.touch(each);
    else if (workIdForm.test(workId)) this.touched(workId);
    this.wake();
  }

  private touched(workId: string): void {
    if (this.examine(workId)) this.applier.due(workId, { isNew: false });
    this.desk.touch(workId);
    this.wake();
  }

  /** Notes what the watch confirms; answers whether something of the work is left to apply. */
  private examine(workId: string): boolean {
    const held = this.held.get(workId);
    if (held === undefined || !this.isSynced) return false;
    const { watch, timing } = this.parts;
    watch.compare(workId);
    const objects = watch.objectsOf(workId);
    const left = this.held.examine(held, objects);
    const drifted = this.held.drifted(held, objects, timing.clock.now());
    if (namespacesOf(held.work.namespace, this.parts.watch).length > 0) held.hands.namespace = undefined;
    this.handedBack.look(held);
    const isWanted = held.wanted.length > 0;
    this.held.sawPods(held, isWanted ? arePodsSeen(workId, watch) : arePodsSettled(held, watch));
    return left.length + drifted.length + leftUnsure(held).length > 0;
  }

  /** What was applied to an object under the digest that it carries. */
  ordered(object: OwnedObject): Ordered | undefined {
    return this.held.ordered(object);
  }

  /** Everything that was missed has been received, and the cluster has been seen whole: what is held says whose pods are there. */
  get isCaughtUp(): boolean {
    return this.isSynced && this.held.received >= this.head;
  }

  /** Of pods that carry a work's name and are Berth's no more. */
  get handedBackRequests(): Resources {
    return this.handedBack.requests(this.isCaughtUp);
  }

  /**
   * Once everything that was missed has been received and tried, or when waiting for that took too long; never before
   * the watch has shown the whole cluster: silence is better than saying that nothing is there.
   */
  openFullReport({ isLate }: { isLate: boolean }): void {
    if (this.desk.isFullOpened || !this.isSynced) return;
    const isCaughtUp = this.held.received >= this.head && this.held.triedUpTo >= this.head;
    if (!isCaughtUp && !isLate) return;
    this.desk.openFull([
      ...new Set([...this.held.ids(), ...this.parts.watch.works().filter((id) => workIdForm.test(id))]),
    ]);
  }

  nextReport(): StatusReport | undefined {
    return this.desk.next((workId) => statusOf(workId, this.held.get(workId), this.parts.watch));
  }

  acknowledged(sequence: bigint): void {
    this.desk.acknowledge(sequence);
    this.wake();
  }

  private wake(): void {
    this.isWoken = true;
    this.waiter?.();
  }

  /** Resolves when there may be something to tell, after a second at the latest. */
  async somethingToTell(signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    this.waiter = () => waiting.abort('woken'); // without a reason it would make an exception
    if (this.isWoken) waiting.abort('woken');
    await rest(this.parts.timing, 1_000, AbortSignal.any([signal, waiting.signal]));
    this.waiter = undefined;
    this.isWoken = false;
  }
}
