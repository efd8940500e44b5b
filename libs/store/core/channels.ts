/** Notification channels: a poke for the sequencer, with hints; a poke for the feed's readers, which carries nothing. */
export const channels = { outbox: 'berth_outbox', feed: 'berth_feed' } as const;
