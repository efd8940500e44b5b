import type { ClusterId, ClusterVerdict, DecisionRecord, GroupDecision, Refusal } from '#domain';
import { ByteReader, ByteWriter } from './bytes.js';
import { readIds, readNumbers, readTexts, writeIds, writeNumbers, writeTexts } from './columns.js';
import type { GroupTrace } from './trace.js';

const format = 1;
const outcomes = ['refused', 'eligible', 'chosen'] as const;

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
  writeHead(out, of, traces[0]?.ids ?? [], traces.length);
  for (const trace of traces) packTrace(out, trace, policy, traces[0]?.ids ?? []);
  return out.finish();
}

/** A column of zeros, however long: its only number is the least. */
const noScore = [0];

function packTrace(out: ByteWriter, trace: GroupTrace, policy: PolicyNames, roster: readonly ClusterId[]): void {
  const { ids, refusedBy, refusals, scores, allotments } = trace;
  writeGroupHead(out, { ...trace, placed: trace.refusal === undefined });
  out.byte(ids === roster ? 1 : 0);
  if (ids !== roster) writeIds(out, ids);
  const outcomes = new Uint8Array(ids.length);
  const refused: Refused[] = [];
  const admitted = new Int32Array(ids.length);
  let admittedCount = 0;
  for (let at = 0; at < ids.length; at++) {
    const by = refusedBy[at] ?? -1;
    if (by >= 0) refused.push({ filter: policy.filters[by]?.name, refusal: refusals[at] });
    else {
      outcomes[at] = allotments.size > 0 && allotments.has(ids[at] ?? '') ? 2 : 1;
      admitted[admittedCount++] = at;
    }
  }
  writeNumbers(out, outcomes);
  packRefusals(out, refused);
  const column = new Int16Array(admittedCount);
  out.varint(admittedCount === 0 ? 0 : policy.scorers.length);
  for (const [index, { name, weight }] of admittedCount === 0 ? [] : policy.scorers.entries()) {
    const scored = scores[index];
    if (scored !== undefined) for (let at = 0; at < admittedCount; at++) column[at] = scored[admitted[at] ?? 0] ?? 0;
    out.text(name);
    out.varint(weight);
    writeNumbers(out, scored === undefined ? noScore : column);
  }
  const chosen = ids.map((id) => allotments.get(id)).filter((given) => given !== undefined);
  for (const name of trace.components)
    writeNumbers(
      out,
      chosen.map((given) => (Object.hasOwn(given, name) ? 1 + (given[name] ?? 0) : 0)),
    );
}

function writeHead(
  out: ByteWriter,
  of: Pick<DecisionRecord, 'engineVersion' | 'policyHash' | 'feedPosition'>,
  roster: readonly ClusterId[],
  groups: number,
): void {
  out.byte(format);
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
  if (found !== format) throw new RangeError(`decision record has format ${found}, this engine reads ${format}`);
  const engineVersion = input.text();
  const policyHash = input.text();
  const feedPosition = BigInt(input.text());
  const roster = readIds(input);
  const groups = Array.from({ length: input.varint() }, () => unpackGroup(input, roster));
  return { engineVersion, policyHash, feedPosition, groups };
}

function unpackGroup(input: ByteReader, roster: readonly ClusterId[]): GroupDecision {
  const components = readList(input);
  const placed = input.byte() === 1;
  const refusal = input.byte() === 1 ? unpackRefusal(input) : undefined;
  const division = readList(input);
  const ids = input.byte() === 1 ? roster : readIds(input);
  const outcomeOf = readNumbers(input, ids.length).map((place) => outcomes[place] ?? 'refused');
  const counts = { refused: 0, eligible: 0, chosen: 0 };
  for (const outcome of outcomeOf) counts[outcome] += 1;
  const refused = unpackRefusals(input, counts.refused).values();
  const scored = unpackScores(input, counts.eligible + counts.chosen).values();
  const columns = components.map((name) => ({ name, counts: readNumbers(input, counts.chosen).values() }));
  const clusters = ids.map((cluster, at): ClusterVerdict => {
    const outcome = outcomeOf[at] ?? 'refused';
    const { filter, refusal: why } = (outcome === 'refused' ? refused.next().value : undefined) ?? noRefusal;
    const { scores, total } = (outcome === 'refused' ? undefined : scored.next().value) ?? noScores;
    const given =
      outcome === 'chosen' ? columns.map(({ name, counts: left }) => [name, left.next().value ?? 0] as const) : [];
    const allotments = Object.fromEntries(
      given.filter(([, count]) => count > 0).map(([name, count]) => [name, count - 1]),
    );
    return { cluster, outcome, filter, refusal: why, scores, total, allotments };
  });
  return { components, placed, refusal, division, clusters };
}

type Refused = Pick<ClusterVerdict, 'filter' | 'refusal'>;
type Scored = Pick<ClusterVerdict, 'scores' | 'total'>;
const noRefusal: Refused = { filter: undefined, refusal: undefined };
const noScores: Scored = { scores: [], total: 0 };

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

function unpackScores(input: ByteReader, count: number): Scored[] {
  const columns = Array.from({ length: input.varint() }, () => {
    const scorer = input.text();
    const weight = input.varint();
    return { scorer, weight, values: readNumbers(input, count) };
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
