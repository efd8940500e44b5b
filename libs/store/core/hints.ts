import type { Announcement } from './transaction.js';

/**
 * What a transaction has announced, told beside the feed by whoever committed it: some milliseconds earlier, in no order,
 * perhaps twice and perhaps never. Enough to look at once; whoever must hear of everything follows the feed.
 */
export interface Hint extends Pick<Announcement, 'resource'> {
  kind: 'release' | 'work';
}

/** PostgreSQL takes notifications of less than 8,000 bytes. */
const mostBytes = 7_900;

/** One line a hint: kind and resource. Beyond what a notification takes the rest is left to the feed. */
export class PendingHints {
  readonly #lines = new Set<string>();
  #bytes = 0;

  add(announcements: readonly Announcement[]): void {
    for (const { kind, resource } of announcements) {
      if (kind === 'release' || kind === 'work') this.#line(`${kind} ${resource}`);
    }
  }

  /** Empties it. */
  take(): string {
    const text = [...this.#lines].join('\n');
    this.#lines.clear();
    this.#bytes = 0;
    return text;
  }

  #line(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#lines.has(line) || this.#bytes + bytes > mostBytes) return;
    this.#lines.add(line);
    this.#bytes += bytes;
  }
}

/** Lines that this version does not know are passed over. */
export function hintsOf(payload: string | undefined): Hint[] {
  return (payload ?? '').split('\n').flatMap((line): Hint[] => {
    const [kind, resource] = line.split(' ');
    return (kind === 'release' || kind === 'work') && resource !== undefined ? [{ kind, resource }] : [];
  });
}
