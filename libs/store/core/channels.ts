/** Notification channels: a poke for the sequencer, a poke for the feed's readers. Neither carries anything. */
export const channels = { outbox: 'berth_outbox', feed: 'berth_feed' } as const;
