import type { Demand } from './dividing/demand.js';
import type { Room } from './dividing/room.js';
import type { Division, Share } from './plugin.js';

type Divided = Extract<Division, { kind: 'divided' }>;

/** What two ways of dividing a group are weighed by. */
export interface Weighing {
  demands: readonly Demand[];
  room: Room;
  /** What a cluster is worth to each replica, leaving out that it holds some: points as clusters are ranked by. */
  worthOf(slot: number): number;
}

/** Points that clusters are ranked by for each hundredth of headroom, which `moveCost` is in. */
const pointsPerPercent = 100;

/** Replicas that go from where they are, less those that go in any case because fewer are wanted. */
function movedBy({ shares }: Divided, { demands, room }: Weighing): number {
  let moved = 0;
  for (const [at, demand] of demands.entries()) {
    if (demand.kind === 'daemon') continue;
    const given = new Map(shares.map(({ slot, replicas }) => [slot, replicas[at] ?? 0]));
    const wanted = [...given.values()].reduce((sum, count) => sum + count, 0);
    const held = [...demand.held.values()].reduce((sum, { replicas }) => sum + replicas, 0);
    let stay = 0;
    for (const [slot, count] of given) stay += Math.min(count, room.held(slot, demand)?.replicas ?? 0);
    moved += Math.max(0, Math.min(held, wanted) - stay);
  }
  return moved;
}

const worth = (shares: readonly Share[], { worthOf }: Weighing): number =>
  shares.reduce((sum, { slot, replicas }) => sum + worthOf(slot) * replicas.reduce((all, each) => all + each, 0), 0);

/** Whether moving wins at least its price for each replica that moves, and the arithmetic for whoever asks why. */
export function weighMoves(
  stayed: Divided,
  moved: Divided,
  moveCost: number,
  weighing: Weighing,
): { moves: boolean; line: string | undefined } {
  const count = movedBy(moved, weighing) - movedBy(stayed, weighing);
  if (count <= 0) return { moves: false, line: undefined };
  const each = (worth(moved.shares, weighing) - worth(stayed.shares, weighing)) / count / pointsPerPercent;
  const moves = each > 0 && each >= moveCost;
  const replicas = `${count} replica${count === 1 ? '' : 's'}`;
  const won = `${Math.max(0, Math.floor(each * 10) / 10)} of 100 each`;
  const line = moves
    ? `${replicas} moved: better by ${won}, for a price of ${moveCost}`
    : `${replicas} stay: elsewhere better by ${won}, below the price of ${moveCost}`;
  return { moves, line };
}
