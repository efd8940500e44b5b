import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ComponentKind, Division } from '../wire.js';
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
    ['name: a\nspec: { components: [{ name: b, image: nginx }] }', /image/],
  ])('refuses %j by name', (text, message) => {
    expect(() => parseApplicationFile(text)).toThrow(message);
  });
});
