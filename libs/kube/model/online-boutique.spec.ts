import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addResources, linkGroups, noResources } from '#domain';
import { checkSpec } from './check.js';
import { importManifests } from './import.js';
import { parseManifests } from './manifests.js';
import { objectRefsOf } from './render.js';
import { podRequests } from './requests.js';
import { expectedOf, renderAll } from './round-trip.suite.js';

/** The Online Boutique as its authors publish it. It stands beside the repository, and may not be there. */
const file = new URL('../../../../shared/inputs/kubernetes/online-boutique.yaml', import.meta.url);
const there = existsSync(file);
if (!there) console.info('left out: the Online Boutique, since ../shared/inputs is not there');

describe.runIf(there)('the Online Boutique', () => {
  const text = there ? readFileSync(file, 'utf8') : '';
  const objects = there ? parseManifests(text) : [];
  const read = () => importManifests(objects);

  it('becomes twelve components that pass every check', () => {
    const spec = read();
    expect(spec.components.map(({ name }) => name)).toEqual([
      'frontend',
      'adservice',
      'currencyservice',
      'cartservice',
      'redis-cart',
      'loadgenerator',
      'recommendationservice',
      'checkoutservice',
      'emailservice',
      'paymentservice',
      'shippingservice',
      'productcatalogservice',
    ]);
    expect(() => checkSpec(spec)).not.toThrow();
  });

  it('is one group, since its services call each other', () => {
    const spec = read();
    const links = Object.fromEntries(spec.components.map(({ name, links }) => [name, links]));
    expect(links).toEqual({
      frontend: [
        'productcatalogservice',
        'currencyservice',
        'cartservice',
        'recommendationservice',
        'shippingservice',
        'checkoutservice',
        'adservice',
      ],
      adservice: [],
      currencyservice: [],
      cartservice: ['redis-cart'],
      'redis-cart': [],
      loadgenerator: ['frontend'],
      recommendationservice: ['productcatalogservice'],
      checkoutservice: [
        'productcatalogservice',
        'shippingservice',
        'paymentservice',
        'emailservice',
        'currencyservice',
        'cartservice',
      ],
      emailservice: [],
      paymentservice: [],
      shippingservice: [],
      productcatalogservice: [],
    });
    expect(linkGroups(spec)).toHaveLength(1);
  });

  it('leaves nothing for verbatim carriage that the model has words for', () => {
    for (const { containers, initContainers } of read().components)
      for (const { extra } of [...containers, ...initContainers])
        expect(Object.keys(extra).filter((key) => key !== 'securityContext' && key !== 'volumeMounts')).toEqual([]);
  });

  it('gives each Service and ServiceAccount to the Deployment that it is for', () => {
    const frontend = read().components.find(({ name }) => name === 'frontend');
    expect(frontend && objectRefsOf(frontend, 'shop').map(({ kind, name }) => `${kind}/${name}`)).toEqual([
      'Service/frontend',
      'Service/frontend-external',
      'ServiceAccount/frontend',
      'Deployment/frontend',
    ]);
  });

  it('is rendered as it came, with the marks of Berth', () => {
    expect(renderAll(read())).toEqual(expectedOf(objects));
  });

  it('asks for what its authors wrote', () => {
    const sum = read().components.map(podRequests).reduce(addResources, noResources);
    expect(sum).toEqual({ mcpu: 1570, memoryBytes: 1368 * 2 ** 20, pods: 12 });
  });
});
