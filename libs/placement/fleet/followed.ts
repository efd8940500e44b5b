import type { Snapshot } from './snapshot.js';

/** So many different demands on one fleet are followed at once; the one that was asked for first goes first. */
const mostKeys = 64;

/** What a column says of the clusters at the places from `from` to before `to`. */
export type Writing<Column> = (column: Column, from: number, to: number) => void;

interface Following<Column> {
  column: Column;
  /** The descriptions that it is about. */
  epoch: number;
  /** How much of the figures' log it has seen. */
  seen: number;
}

/**
 * Columns by place that go by a fleet's figures and descriptions and by a text alone. Decisions touch a few clusters and
 * many ask for the same size, so each is kept between them, and written anew only where figures have changed since.
 */
export class Followed<Column extends Int16Array | Uint8Array> {
  readonly #fleets = new WeakMap<Snapshot, Map<string, Following<Column>>>();

  constructor(private readonly make: (length: number) => Column) {}

  /** Good until the fleet changes; the caller's to read, not to write. */
  column(snapshot: Snapshot, key: string, write: Writing<Column>, isFixed = false): Column {
    const { figures, descriptionsEpoch: epoch } = snapshot;
    const fleet = this.#fleet(snapshot);
    const known = fleet.get(key);
    if (known !== undefined && known.epoch === epoch) {
      if (isFixed) return known.column;
      const changed = figures.changedSince(known.seen);
      if (changed === undefined || changed.length > known.column.length) write(known.column, 0, known.column.length);
      else
        for (const slot of changed) {
          const place = snapshot.placeOf(slot);
          if (place >= 0) write(known.column, place, place + 1);
        }
      known.seen = figures.changes;
      return known.column;
    }
    fleet.delete(key);
    for (const oldest of fleet.keys()) {
      if (fleet.size < mostKeys) break;
      fleet.delete(oldest);
    }
    const column = this.make(snapshot.slots.length);
    write(column, 0, column.length);
    fleet.set(key, { column, epoch, seen: figures.changes });
    return column;
  }

  #fleet(snapshot: Snapshot): Map<string, Following<Column>> {
    let fleet = this.#fleets.get(snapshot);
    if (fleet === undefined) {
      fleet = new Map();
      this.#fleets.set(snapshot, fleet);
    }
    return fleet;
  }
}
