/** What the store says about itself: events with fields. */
export interface StoreLog {
  warn(fields: Record<string, unknown>, event: string): void;
}
