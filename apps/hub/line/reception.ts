import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Inject, Injectable } from '@nestjs/common';
import { inventoryChangeFromWire, inventoryFromWire, line, type StatusReport, statusReportFromWire } from '#contract';
import {
  type ClusterSchema,
  InvalidRequest,
  type InventoryChange,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  schemaDigest,
} from '#domain';
import type { AgentStore, Heartbeat } from '#store';
import { type HubLog, hubParts } from '../parts.js';
import type { AgentLine } from './agent-line.js';
import { HeartbeatIntake } from './heartbeat-intake.js';
import { Lines } from './lines.js';
import { StatusIntake } from './status-intake.js';

/** Reports of one stream that may wait for their commit at a time; more are not read from the stream. */
const mostReports = 16;
const largestSchema = 64 * 1024 * 1024;
const inflate = promisify(gunzip);

/** What one stream has under way. */
interface Desk {
  reports: Set<Promise<void>>;
  /** The sequence that the present full report began with. */
  fullReportFrom: bigint | undefined;
  lastReport: bigint;
  /** Messages that this hub does not know. */
  unknown: number;
  heartbeat: Omit<Heartbeat, 'cluster' | 'epoch'> | undefined;
  isBeating: boolean;
  /** A whole inventory has come: changes have something to change. */
  isInventoryKnown: boolean;
}

/** Takes in what agents say. Whatever fails ends its own stream, and no other. */
@Injectable()
export class Reception {
  constructor(
    @Inject(hubParts.agents) private readonly store: AgentStore,
    @Inject(hubParts.log) private readonly log: HubLog,
    @Inject(Lines) private readonly lines: Lines,
    @Inject(StatusIntake) private readonly status: StatusIntake,
    @Inject(HeartbeatIntake) private readonly heartbeats: HeartbeatIntake,
  ) {}

  /** Reads until the agent hangs up; throws for messages that have no place in the line. */
  async receive(own: AgentLine, incoming: AsyncIterator<line.ConnectRequest>): Promise<void> {
    const desk: Desk = {
      reports: new Set(),
      fullReportFrom: undefined,
      lastReport: 0n,
      unknown: 0,
      heartbeat: undefined,
      isBeating: false,
      isInventoryKnown: false,
    };
    while (!own.signal.aborted) {
      const next = await incoming.next();
      if (next.done === true) return;
      await this.take(own, desk, next.value.message);
    }
  }

  private async take(own: AgentLine, desk: Desk, message: line.ConnectRequest['message']): Promise<void> {
    switch (message.case) {
      case 'heartbeat':
        return this.takeHeartbeat(own, desk, message.value);
      case 'statusReport':
        return this.takeReport(own, desk, statusReportFromWire(message.value));
      case 'schemaReport':
        return this.takeSchema(own, message.value);
      case 'hello':
        throw new InvalidRequest([{ field: 'message', description: 'found hello after the hello' }]);
      case undefined:
        return this.passOver(own, desk);
    }
  }

  /** What a newer agent says beyond what this hub knows; told once for each stream. */
  private passOver(own: AgentLine, desk: Desk): void {
    desk.unknown += 1;
    const { cluster } = own.facts;
    if (desk.unknown === 1) this.log.warn({ cluster }, 'the agent said something that this hub does not know');
  }

  /** One under way; of those that come meanwhile the last, with all that changed: status never delays them. */
  private async takeHeartbeat(own: AgentLine, desk: Desk, beat: line.Heartbeat): Promise<void> {
    const { appliedWorkSequence } = beat;
    const change = changeOf(beat);
    const isBaseless = beat.inventory === undefined && change !== undefined && !desk.isInventoryKnown;
    desk.isInventoryKnown ||= beat.inventory !== undefined;
    const before = desk.heartbeat?.inventory;
    const inventory = change === undefined || isBaseless ? before : { ...before, ...change };
    desk.heartbeat = { appliedWorkSequence, inventory, agentTime: beat.agentTime && timestampMs(beat.agentTime) };
    if (!desk.isBeating) {
      desk.isBeating = true;
      void this.beat(own, desk).catch((error: unknown) => own.end({ kind: 'failed', error }));
    }
    if (isBaseless) await own.write({ case: 'inventoryRequest', value: {} });
  }

  private async beat(own: AgentLine, desk: Desk): Promise<void> {
    const { cluster, epoch } = own.facts;
    while (desk.heartbeat !== undefined && !own.signal.aborted) {
      const beat = { cluster, epoch, ...desk.heartbeat };
      const { inventory } = beat;
      desk.heartbeat = undefined;
      const { verdict, asksForSchema } = await this.heartbeats.submit(beat);
      if (verdict === 'superseded') return this.lines.part(own, 'SUPERSEDED');
      if (asksForSchema && inventory?.schemaDigest !== undefined)
        await own.write({ case: 'schemaRequest', value: { digest: inventory.schemaDigest } });
    }
    desk.isBeating = false;
  }

  private async takeReport(own: AgentLine, desk: Desk, report: StatusReport): Promise<void> {
    if (report.sequence <= desk.lastReport)
      throw new InvalidRequest([
        { field: 'sequence', description: `found ${report.sequence} after ${desk.lastReport}` },
      ]);
    desk.lastReport = report.sequence;
    const storing = this.storeReport(own, report, fullReportFrom(desk, report));
    const settled = storing.catch((error: unknown) => own.end({ kind: 'failed', error }));
    desk.reports.add(settled);
    void settled.then(() => desk.reports.delete(settled));
    while (desk.reports.size >= mostReports && !own.signal.aborted) await Promise.race(desk.reports);
  }

  /** The acknowledgement follows the commit. */
  private async storeReport(own: AgentLine, report: StatusReport, fullReportFrom: bigint | undefined): Promise<void> {
    const { cluster, epoch } = own.facts;
    const { sequence, works, tombstones } = report;
    const verdict = await this.status.submit({ cluster, epoch, sequence, works, tombstones, fullReportFrom });
    if (verdict === 'superseded') return this.lines.part(own, 'SUPERSEDED');
    if (!own.signal.aborted) await own.write({ case: 'statusAck', value: { sequence } });
  }

  private async takeSchema(own: AgentLine, report: line.SchemaReport): Promise<void> {
    const { cluster } = own.facts;
    const schema = await schemaFrom(report);
    await this.store.storeSchema({ cluster, digest: report.digest, schema });
    this.log.info({ cluster, digest: report.digest }, 'cluster schema stored');
  }
}

function changeOf({ inventory, inventoryDelta }: line.Heartbeat): InventoryChange | undefined {
  if (inventory !== undefined) return inventoryFromWire(inventory);
  return inventoryDelta === undefined ? undefined : inventoryChangeFromWire(inventoryDelta);
}

/** Keeps track of the brackets; answers where a full report began when this report is its last part. */
function fullReportFrom(desk: Desk, { bracket, sequence }: StatusReport): bigint | undefined {
  switch (bracket) {
    case 'whole':
      return sequence;
    case 'begin':
      desk.fullReportFrom = sequence;
      return undefined;
    case 'end': {
      const from = desk.fullReportFrom;
      desk.fullReportFrom = undefined;
      if (from === undefined)
        throw new InvalidRequest([{ field: 'bracket', description: 'found an end without its begin' }]);
      return from;
    }
    case 'part':
    case 'delta':
      return undefined;
  }
}

/** A digest names its content: no agent can put a schema of its own making under the name of another's. */
async function schemaFrom({ content, digest }: line.SchemaReport): Promise<ClusterSchema> {
  const field = 'schema_report.content';
  let schema: JsonValue;
  try {
    schema = JSON.parse((await inflate(content, { maxOutputLength: largestSchema })).toString('utf8')) as JsonValue;
  } catch (cause) {
    throw new InvalidRequest([
      { field, description: `is no gzip of JSON: ${cause instanceof Error ? cause.message : cause}` },
    ]);
  }
  if (!isSchema(schema)) throw new InvalidRequest([{ field, description: 'is no tree of fields per kind' }]);
  const own = schemaDigest(schema);
  if (own !== digest)
    throw new InvalidRequest([{ field, description: `has the digest ${own}, not ${digest.slice(0, 64)}` }]);
  return schema;
}

const isTree = (value: unknown): value is ClusterSchema[string] =>
  value === true || (isJsonObject(value) && Object.values(value).every(isTree));

const isSchema = (value: JsonValue): value is ClusterSchema & JsonObject =>
  isJsonObject(value) && Object.values(value).every(isTree);
