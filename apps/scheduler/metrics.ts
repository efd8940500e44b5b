import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a scheduler counts. */
export interface SchedulerMetrics {
  decisions: Counter<'outcome'>;
  commits: Counter;
  conflicts: Counter;
  roundSeconds: Histogram;
  woken: Counter;
  tombstones: Counter;
  freed: Counter;
  overdue: Counter<'kind'>;
  clusters: Gauge;
  failures: Counter<'part'>;
  pluginSeconds: Histogram<'plugin' | 'outcome'>;
  preemptions: Counter;
  victims: Counter;
  evicted: Counter;
}

export function schedulerMetrics(registry: Registry): SchedulerMetrics {
  const registers = [registry];
  return {
    decisions: new Counter({
      name: 'berth_scheduler_decisions_total',
      help: 'Decisions by what became of them: placed, refused, stale (decided again on newer figures), lost (no longer asked for).',
      labelNames: ['outcome'],
      registers,
    }),
    commits: new Counter({
      name: 'berth_scheduler_commits_total',
      help: 'Transactions that committed decisions.',
      registers,
    }),
    conflicts: new Counter({
      name: 'berth_scheduler_conflicts_total',
      help: 'Of these, how many found a decision that the locked figures no longer allowed.',
      registers,
    }),
    roundSeconds: new Histogram({
      name: 'berth_scheduler_round_seconds',
      help: 'From taking a batch of waiting releases to its commit.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    woken: new Counter({
      name: 'berth_scheduler_woken_total',
      help: 'Refused releases that a change of the fleet brought back.',
      registers,
    }),
    tombstones: new Counter({
      name: 'berth_scheduler_tombstones_total',
      help: 'Orders to delete one object.',
      registers,
    }),
    freed: new Counter({
      name: 'berth_scheduler_reservations_freed_total',
      help: 'Reservations that a report set free.',
      registers,
    }),
    evicted: new Counter({
      name: 'berth_scheduler_evicted_total',
      help: 'Best-effort releases that left a cluster because it was measured as too full.',
      registers,
    }),
    overdue: new Counter({
      name: 'berth_scheduler_overdue_total',
      help: 'Deadlines that passed, by what was late.',
      labelNames: ['kind'],
      registers,
    }),
    clusters: new Gauge({
      name: 'berth_scheduler_clusters',
      help: 'Clusters in the picture that decisions are made on.',
      registers,
    }),
    preemptions: new Counter({
      name: 'berth_scheduler_preemptions_total',
      help: 'Releases for which others of a lower priority gave way.',
      registers,
    }),
    victims: new Counter({
      name: 'berth_scheduler_preempted_total',
      help: 'Releases that gave way.',
      registers,
    }),
    failures: new Counter({
      name: 'berth_scheduler_failures_total',
      help: 'Rounds that ended with an error and were begun again, by part.',
      labelNames: ['part'],
      registers,
    }),
    pluginSeconds: new Histogram({
      name: 'berth_scheduler_plugin_seconds',
      help: 'Questions to plug-ins by what became of them: answered, nonsense, failed, left-alone (not asked after failures).',
      labelNames: ['plugin', 'outcome'],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
  };
}
