import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anywhere, InvalidRequest } from '#domain';
import { AdoptionPolicy, ComponentKind, Division, DriftPolicy, ImmutablePolicy, ReplicasOwner } from '../wire.js';
import { applicationSpecFromWire } from './application.js';
import { parseApplicationFile } from './application-file.js';

const component = 'components: [{ name: web, kind: stateful-service, replicas: 2, containers: [{ image: nginx }] }]';

describe('application file', () => {
  it('reads the example in Berth’s own form', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../examples/harbour-shop/app.yaml'), 'utf8');
    const file = parseApplicationFile(text);
    expect(file.name).toBe('harbour-shop');
    expect(file.source.case === 'spec' && file.source.value.components).toHaveLength(5);
  });

  it('takes short words for kinds and divisions', () => {
    const { source } = parseApplicationFile(`name: shop\nspec:\n  ${component}\n  placement: { division: packed }\n`);
    if (source.case !== 'spec') throw new Error('not a spec');
    expect(source.value.components[0]?.kind).toBe(ComponentKind.STATEFUL_SERVICE);
    expect(source.value.placement?.division).toBe(Division.PACKED);
  });

  it.each([
    '{ drift: report, immutable: recreate, adoption: existing, replicasOwner: autoscaler }',
    '{ drift: DRIFT_POLICY_REPORT, immutable: IMMUTABLE_POLICY_RECREATE, adoption: ADOPTION_POLICY_EXISTING, replicas_owner: REPLICAS_OWNER_AUTOSCALER }',
  ])('takes an object policy written as %s', (policy) => {
    const { source } = parseApplicationFile(`spec: { components: [{ name: web, objectPolicy: ${policy} }] }`);
    if (source.case !== 'spec') throw new Error('not a spec');
    expect(source.value.components[0]?.objectPolicy).toMatchObject({
      drift: DriftPolicy.REPORT,
      immutable: ImmutablePolicy.RECREATE,
      adoption: AdoptionPolicy.EXISTING,
      replicasOwner: ReplicasOwner.AUTOSCALER,
    });
  });

  it('takes the tier, and says where it cannot be', () => {
    const read = (spec: string) => {
      const { source } = parseApplicationFile(`name: shop\nspec:\n  tier: best-effort\n  ${spec}`);
      if (source.case !== 'spec') throw new Error('not a spec');
      return applicationSpecFromWire(source.value);
    };
    expect(read(component).tier).toBe('best-effort');
    expect(() => read(component.replace('stateful-service', 'daemon'))).toThrow(/daemon.*cannot be best-effort/);
  });

  it('takes a placement as the page about it writes one', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/placement.md'), 'utf8');
    const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml);
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    for (const yaml of blocks) {
      const indented = yaml.replaceAll(/^/gm, '  ');
      const { source } = parseApplicationFile(`name: shop\nspec:\n  ${component}\n${indented}`);
      if (source.case !== 'spec') throw new Error('not a spec');
      expect(applicationSpecFromWire(source.value).placement).not.toEqual(anywhere);
    }
  });

  it.each([
    ['maxPriceMicros: .nan', /max_price_micros/],
    ['maxPriceMicros: .inf', /max_price_micros/],
    ['costWeight: 0.5', /cost_weight/],
    ['weights: [{ by: region, weights: { eu: .nan } }]', /weights/],
    ['division: fair', /spec\.placement\.division/],
    ['clusterGroupMode: spill', /allowed are fallback, overflow/],
  ])('refuses a placement with %s by its field', (field, message) => {
    let refused = '';
    try {
      parseApplicationFile(`name: shop\nspec:\n  ${component}\n  placement: { ${field} }\n`);
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error;
      refused = error.fieldViolations.map((each) => `${each.field}: ${each.description}`).join();
    }
    expect(refused).toMatch(message);
  });

  it('hands manifests on as they are', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\n---\napiVersion: apps/v1\nkind: Deployment\n';
    expect(parseApplicationFile(text).source).toEqual({ case: 'manifests', value: { content: text } });
  });

  it.each([
    ['broken: [', /^file: Flow sequence .* at line 1, column 10$/],
    ['- a list', /file: found no YAML mapping/],
    ['name: Not A Label\nspec: {}', /name: found "Not A Label"/],
    ['name: a\nspecs: {}', /specs: is not known here/],
    ['name: a', /spec: found nothing/],
    ['name: a\nspec: { components: [{ name: b, replicas: many }] }', /spec: .*Component\.replicas/],
    [
      'name: a\nspec: { components: [{ name: b, kind: pod }] }',
      /spec\.components\[0\]\.kind: found "pod"; allowed are service, stateful-service, job, cron-job, daemon/,
    ],
    [
      'name: a\nspec: { components: [{ name: b, objectPolicy: { drift: rport } }] }',
      /spec\.components\[0\]\.objectPolicy\.drift: found "rport"; allowed are repair, report, adopt$/,
    ],
    [
      'name: a\nspec: { components: [{ name: b, image: nginx }] }',
      /spec\.components\[0\]\.image: is not known; allowed are name, kind/,
    ],
    [
      'name: a\nspec: { components: [{ name: b, placement: { clusterSelector: {} } }] }',
      /spec\.components\[0\]\.placement\.clusterSelector: is not known; allowed are .*division/,
    ],
  ])('refuses %j by name', (text, message) => {
    expect(() => parseApplicationFile(text)).toThrow(message);
  });
});
