import type { ClusterId, ClusterVerdict, DecisionRecord, GroupDecision, PluginAnswer, Refusal } from '#domain';
import type { Remembered } from '../remembered.js';
import { readAnswers, scoresOf, writeAnswers } from './answers.js';
import { ByteReader, ByteWriter } from './bytes.js';
import {
  readIds,
  readNumbers,
  readScores,
  readTexts,
  writeIds,
  writeNumbers,
  writeScores,
  writeTexts,
} from './columns.js';
import { type GroupTrace, refusalAt } from './trace.js';

const format = 2;
/** Of records with the answers of plug-ins from outside. */
const formatWithAnswers = 3;

/** The names that a record spells out of its policy. */
interface PolicyNames {
  filters: readonly { name: string }[];
  scorers: readonly { name: string; weight: number }[];
}

/**
 * The stored form of a decision record: a column per figure instead of an object per cluster; about 2 to 6 KB for
 * 1,000 clusters. Every verdict that is not a refusal has the same scorers.
 */
export function packTraces(
  of: Pick<DecisionRecord, 'engineVersion' | 'policyHash' | 'feedPosition'>,
  traces: readonly GroupTrace[],
  policy: PolicyNames,
): Uint8Array {
  const out = new ByteWriter();
  out.byte(traces.some(({ plugins }) => plugins !== undefined) ? formatWithAnswers : format);
  writeHead(out, of, traces[0]?.ids ?? [], traces.length);
  for (const trace of traces) packTrace(out, trace, policy, traces[0]?.ids ?? []);
  return out.finish();
}

function packTrace(out: ByteWriter, trace: GroupTrace, policy: PolicyNames, roster: readonly ClusterId[]): void {
  const { ids, admitted, scores, chosen } = trace;
  writeGroupHead(out, { ...trace, placed: trace.refusal === undefined });
  out.byte(ids === roster ? 1 : 0);
  if (ids !== roster) writeIds(out, ids);
  if (trace.plugins !== undefined) writeAnswers(out, trace.plugins);
  out.raw(refusalsOf(trace, policy));
  let before = 0;
  out.varint(chosen.length);
  for (const { place } of chosen) {
    out.varint(place - before);
    before = place;
  }
  for (let at = 0; at < trace.components.length; at++)
    writeNumbers(
      out,
      chosen.map(({ replicas }) => replicas[at] ?? 0),
    );
  out.varint(admitted.length === 0 ? 0 : policy.scorers.length);
  if (admitted.length === 0) return;
  out.raw(scorerNames(policy.scorers));
  for (let index = 0; index < policy.scorers.length; index++) {
    const column = scores[index];
    // What a plug-in said is in its answer.
    if (scoresOf(trace.plugins, policy.scorers[index]?.name) !== undefined) continue;
    if (column === undefined) out.raw(noScore);
    else writeScores(out, column, admitted);
  }
}

/** A column of zeros, however long: no bytes for each, and the one number that all of them are. */
const noScore = Uint8Array.of(0, 0);

const writtenScorers = new WeakMap<PolicyNames['scorers'], Uint8Array>();

function scorerNames(scorers: PolicyNames['scorers']): Uint8Array {
  let bytes = writtenScorers.get(scorers);
  if (bytes === undefined) {
    const own = new ByteWriter();
    for (const { name, weight } of scorers) {
      own.text(name);
      own.varint(weight);
    }
    bytes = own.finish();
    writtenScorers.set(scorers, bytes);
  }
  return bytes;
}

/** Of verdicts that are remembered: most decisions have no others. */
const writtenRefusals = new WeakMap<Remembered, Uint8Array>();

function refusalsOf(trace: GroupTrace, policy: PolicyNames): Uint8Array {
  const isRemembered = trace.refusedBy === trace.remembered.refusedBy;
  const known = isRemembered ? writtenRefusals.get(trace.remembered) : undefined;
  if (known !== undefined) return known;
  const { refusedBy } = trace;
  const refused: Refused[] = [];
  for (let at = 0; at < refusedBy.length; at++) {
    const by = refusedBy[at] ?? -1;
    if (by >= 0) refused.push({ filter: policy.filters[by]?.name, refusal: refusalAt(trace, at) });
  }
  const own = new ByteWriter();
  writeNumbers(
    own,
    refusedBy.map((by) => (by >= 0 ? 1 : 0)),
  );
  packRefusals(own, refused);
  const bytes = own.finish();
  if (isRemembered) writtenRefusals.set(trace.remembered, bytes);
  return bytes;
}

function writeHead(
  out: ByteWriter,
  of: Pick<DecisionRecord, 'engineVersion' | 'policyHash' | 'feedPosition'>,
  roster: readonly ClusterId[],
  groups: number,
): void {
  out.text(of.engineVersion);
  out.text(of.policyHash);
  out.text(`${of.feedPosition}`);
  writeIds(out, roster);
  out.varint(groups);
}

function writeGroupHead(
  out: ByteWriter,
  group: Pick<GroupDecision, 'components' | 'placed' | 'refusal' | 'division'>,
): void {
  writeList(out, group.components);
  out.byte(group.placed ? 1 : 0);
  out.byte(group.refusal === undefined ? 0 : 1);
  if (group.refusal !== undefined) packRefusal(out, group.refusal);
  writeList(out, group.division);
}

/** @throws RangeError when the bytes are no record of this format. */
export function unpackRecord(bytes: Uint8Array): DecisionRecord {
  const input = new ByteReader(bytes);
  const found = input.byte();
  const isAnswered = found === formatWithAnswers;
  if (found !== format && !isAnswered)
    throw new RangeError(`decision record has format ${found}, this engine reads ${format} and ${formatWithAnswers}`);
  const engineVersion = input.text();
  const policyHash = input.text();
  const feedPosition = BigInt(input.text());
  const roster = readIds(input);
  const groups = Array.from({ length: input.varint() }, () => unpackGroup(input, roster, isAnswered));
  return { engineVersion, policyHash, feedPosition, groups };
}

function unpackGroup(input: ByteReader, roster: readonly ClusterId[], isAnswered: boolean): GroupDecision {
  const components = readList(input);
  const placed = input.byte() === 1;
  const refusal = input.byte() === 1 ? unpackRefusal(input) : undefined;
  const division = readList(input);
  const ids = input.byte() === 1 ? roster : readIds(input);
  const plugins = isAnswered ? readAnswers(input, ids.length) : undefined;
  const isRefused = readNumbers(input, ids.length).map((each) => each === 1);
  const count = isRefused.filter(Boolean).length;
  const refused = unpackRefusals(input, count).values();
  const chosen = unpackChosen(input, components);
  const scored = unpackScores(input, isRefused, plugins).values();
  const clusters = ids.map((cluster, place): ClusterVerdict => {
    if (isRefused[place] === true) {
      const { filter, refusal: why } = refused.next().value ?? noRefusal;
      return { cluster, outcome: 'refused', filter, refusal: why, scores: [], total: 0, allotments: {} };
    }
    const { scores, total } = scored.next().value ?? noScores;
    const allotments = chosen.get(place);
    const outcome = allotments === undefined ? 'eligible' : 'chosen';
    return { cluster, outcome, filter: undefined, refusal: undefined, scores, total, allotments: allotments ?? {} };
  });
  return { components, placed, refusal, division, clusters, ...(plugins === undefined ? {} : { plugins }) };
}

type Refused = Pick<ClusterVerdict, 'filter' | 'refusal'>;
type Scored = Pick<ClusterVerdict, 'scores' | 'total'>;
const noRefusal: Refused = { filter: undefined, refusal: undefined };
const noScores: Scored = { scores: [], total: 0 };

function unpackChosen(input: ByteReader, components: readonly string[]): Map<number, Record<string, number>> {
  let place = 0;
  const places = Array.from({ length: input.varint() }, () => {
    place += input.varint();
    return place;
  });
  const counts = components.map(() => readNumbers(input, places.length));
  return new Map(
    places.map((each, at) => [each, Object.fromEntries(components.map((name, of) => [name, counts[of]?.[at] ?? 0]))]),
  );
}

/** Refusals of one filter with one reason and the same facts' names share a template; the facts' values are columns. */
function packRefusals(out: ByteWriter, verdicts: readonly Refused[]): void {
  const templates = new Map<string, { place: number; members: Refused[] }>();
  const places = verdicts.map((verdict) => {
    const keys = Object.keys(verdict.refusal?.facts ?? {});
    const key = JSON.stringify([verdict.filter ?? '', verdict.refusal?.reason ?? '', ...keys]);
    const template = templates.get(key) ?? { place: templates.size, members: [] };
    template.members.push(verdict);
    templates.set(key, template);
    return template.place;
  });
  out.varint(templates.size);
  for (const { members } of templates.values()) {
    const [first] = members;
    const names = Object.keys(first?.refusal?.facts ?? {});
    out.text(first?.filter ?? '');
    out.text(first?.refusal?.reason ?? '');
    writeList(out, names);
    out.varint(members.length);
    for (const name of names)
      writeTexts(
        out,
        members.map(({ refusal }) => refusal?.facts[name] ?? ''),
      );
  }
  writeNumbers(out, places);
}

function unpackRefusals(input: ByteReader, count: number): Refused[] {
  const templates = Array.from({ length: input.varint() }, () => {
    const filter = input.text();
    const reason = input.text();
    const names = readList(input);
    const members = input.varint();
    const columns = names.map((name) => ({ name, values: readTexts(input, members) }));
    return Array.from(
      { length: members },
      (_, at): Refused => ({
        filter,
        refusal: { reason, facts: Object.fromEntries(columns.map(({ name, values }) => [name, values[at] ?? ''])) },
      }),
    ).values();
  });
  return readNumbers(input, count).map((place) => templates[place]?.next().value ?? noRefusal);
}

function unpackScores(
  input: ByteReader,
  isRefused: readonly boolean[],
  plugins: readonly PluginAnswer[] | undefined,
): Scored[] {
  const admitted = isRefused.flatMap((refused, place) => (refused ? [] : [place]));
  const count = admitted.length;
  const scorers = Array.from({ length: input.varint() }, () => ({ scorer: input.text(), weight: input.varint() }));
  const columns = scorers.map((each) => {
    const said = scoresOf(plugins, each.scorer);
    const values = said === undefined ? readScores(input, count) : admitted.map((place) => said[place] ?? 0);
    return { ...each, values };
  });
  return Array.from({ length: count }, (_, at) => {
    const scores = columns.map(({ scorer, weight, values }) => ({ scorer, score: values[at] ?? 0, weight }));
    return { scores, total: scores.reduce((sum, { score, weight }) => sum + score * weight, 0) };
  });
}

function packRefusal(out: ByteWriter, { reason, facts }: Refusal): void {
  out.text(reason);
  writeList(out, Object.entries(facts).flat());
}

function unpackRefusal(input: ByteReader): Refusal {
  const reason = input.text();
  const flat = readList(input);
  const facts: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) facts[flat[at] ?? ''] = flat[at + 1] ?? '';
  return { reason, facts };
}

function writeList(out: ByteWriter, texts: readonly string[]): void {
  out.varint(texts.length);
  for (const text of texts) out.text(text);
}

const readList = (input: ByteReader): string[] => Array.from({ length: input.varint() }, () => input.text());
