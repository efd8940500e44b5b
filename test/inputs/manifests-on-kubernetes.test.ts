import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationSpecFromWire, parseApplicationFile } from '#contract';
import { type ApplicationSpec, type ClusterSchema, isJsonObject, type JsonObject } from '#domain';
import {
  connectCluster,
  importManifests,
  type KubeClient,
  kubeMember,
  parseManifests,
  renderComponent,
  renderNamespace,
  schemaMismatches,
} from '#kube';
import { kubebuilderAssets } from '../kubernetes/assets.js';
import { type ControlPlanes, startControlPlane } from '../kubernetes/control-plane.js';
import { grpcProbesToTcp } from './grpc-probes-to-tcp.mjs';

const boutique = new URL('../../../shared/inputs/kubernetes/online-boutique.yaml', import.meta.url);
const assets = kubebuilderAssets();
if (assets === undefined) console.info('left out: manifests on a real API server, since KUBEBUILDER_ASSETS is not set');
const example = (path: string): string => readFileSync(new URL(`../../examples/${path}`, import.meta.url), 'utf8');

const render = (spec: ApplicationSpec, namespace: string): JsonObject[] => [
  renderNamespace({ name: namespace, tenant: 'acme', environment: 'test' }),
  ...spec.components.flatMap((component) =>
    renderComponent({
      component,
      replicas: component.replicas,
      namespace,
      tenant: 'acme',
      environment: 'test',
      application: 'app',
      workId: `work-${component.name}`,
      generation: 1n,
    }),
  ),
];

const revisionOf = ({ metadata }: JsonObject) => (isJsonObject(metadata) ? metadata.resourceVersion : undefined);

describe.skipIf(assets === undefined)('manifests on a real API server', () => {
  let planes: ControlPlanes;
  let client: KubeClient;
  let schema: ClusterSchema;

  beforeAll(async () => {
    planes = await startControlPlane({ assets: assets ?? '', names: ['manifests'] });
    const [plane] = planes.planes;
    client = await connectCluster({ kind: 'kubeconfig', yaml: plane?.kubeconfig ?? '' }, { userAgent: 'berth-test' });
    ({ schema } = await kubeMember(client).schema());
  });
  afterAll(async () => {
    await client?.close();
    await planes?.close();
  });

  async function applyAll(objects: readonly JsonObject[]): Promise<unknown[]> {
    const revisions: unknown[] = [];
    for (const object of objects) revisions.push(revisionOf((await client.apply(object)).object));
    return revisions;
  }

  it.each([
    ['the example in its own form', 'shop'],
    ['the example of plain manifests', 'guestbook'],
    ['the Online Boutique with TCP probes', 'boutique'],
  ])('takes %s, and takes it again without a change', async (_, which) => {
    if (which === 'boutique' && !existsSync(boutique)) return;
    const spec = specs[which]?.();
    if (spec === undefined) throw new Error(`no spec "${which}"`);
    const objects = render(spec, `berth-${which}`);
    expect(schemaMismatches(objects, schema)).toEqual([]);
    const first = await applyAll(objects);
    expect(await applyAll(objects)).toEqual(first);
  });

  it.runIf(existsSync(boutique))('names every gRPC probe as what this server lacks', () => {
    const objects = render(importManifests(parseManifests(readFileSync(boutique, 'utf8'))), 'berth-boutique');
    const paths = schemaMismatches(objects, schema).map(({ kind, path }) => `${kind} ${path}`);
    expect(paths).toHaveLength(18);
    expect(new Set(paths)).toEqual(
      new Set(
        ['readinessProbe', 'livenessProbe'].map(
          (probe) => `apps/v1/Deployment spec.template.spec.containers[0].${probe}.grpc`,
        ),
      ),
    );
  });
});

const specs: Record<string, () => ApplicationSpec> = {
  shop: () => {
    const { source } = parseApplicationFile(example('harbour-shop/app.yaml'));
    if (source.case !== 'spec') throw new Error('not in its own form');
    return applicationSpecFromWire(source.value);
  },
  guestbook: () => importManifests(parseManifests(example('manifests/guestbook.yaml'))),
  boutique: () => importManifests(parseManifests(grpcProbesToTcp(readFileSync(boutique, 'utf8')))),
};
