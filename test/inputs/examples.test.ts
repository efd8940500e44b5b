import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { applicationSpecFromWire, parseApplicationFile } from '#contract';
import { type ApplicationSpec, linkGroups } from '#domain';
import { checkSpec, importManifests, parseManifests } from '#kube';

const examples = new URL('../../examples/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, examples), 'utf8');
const groupsOf = (spec: ApplicationSpec) => linkGroups(spec).map((group) => group.map(({ name }) => name));

function nativeSpec(path: string): ApplicationSpec {
  const { source } = parseApplicationFile(read(path));
  if (source.case !== 'spec') throw new Error(`${path} is not in Berth's own form`);
  return applicationSpecFromWire(source.value);
}

describe('the examples', () => {
  it('has a shop of five components in three groups, in the form of the public API', () => {
    const spec = nativeSpec('harbour-shop/app.yaml');
    expect(() => checkSpec(spec)).not.toThrow();
    expect(groupsOf(spec)).toEqual([['web', 'api', 'cache'], ['worker'], ['migrate']]);
  });

  it('has a guestbook of plain manifests whose parts find each other', () => {
    const spec = importManifests(parseManifests(read('manifests/guestbook.yaml')));
    expect(() => checkSpec(spec)).not.toThrow();
    expect(groupsOf(spec)).toEqual([['guestbook', 'store']]);
    expect(spec.components.map(({ objects }) => objects.map(({ kind }) => kind))).toEqual([
      ['ConfigMap', 'ServiceAccount', 'Service'],
      ['Service'],
    ]);
  });

  it('says where plug-ins are told of', () => {
    for (const { name } of readdirSync(new URL('plugins/', examples), { withFileTypes: true }).filter((each) =>
      each.isDirectory(),
    ))
      expect(read('../docs/plugins.md')).toContain(`examples/plugins/${name}`);
    expect(read('README.md')).toContain('docs/plugins.md');
  });

  it('says of every application how to run it', () => {
    const folders = readdirSync(examples, { withFileTypes: true }).filter((each) => each.isDirectory());
    for (const { name } of folders.filter((each) => each.name !== 'plugins'))
      for (const file of readdirSync(new URL(`${name}/`, examples)))
        expect(read('README.md')).toContain(`-f examples/${name}/${file}`);
  });
});
