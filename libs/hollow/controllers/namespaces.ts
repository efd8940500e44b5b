import { fieldsAt, type KubeObject } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { type ControllerContext, createUnlessRefused, reconcileEach, remove } from './context.js';

const namespaces = resourceNamed('namespaces');
const serviceAccounts = resourceNamed('serviceaccounts');
const configMaps = resourceNamed('configmaps');

/** Gives every namespace what the control plane puts there, and empties those that are being deleted. */
export function startNamespaces(context: ControllerContext): void {
  const enqueue = reconcileEach(context, namespaces, (namespace) => reconcile(context, namespace));
  context.store.listen('all', ({ type, object }) => {
    if (type !== 'DELETED' || object.metadata.namespace === undefined) return;
    const home = context.store.get(namespaces, '', object.metadata.namespace);
    if (home !== undefined) enqueue(home);
  });
}

function reconcile(context: ControllerContext, namespace: KubeObject): void {
  const { name, deletionTimestamp } = namespace.metadata;
  if (deletionTimestamp === undefined) {
    furnish(context, name);
    return;
  }
  const namespaced = context.registry.all.filter((resource) => resource.namespaced);
  const content = namespaced.flatMap((resource) => [...context.store.objects(resource, name)]);
  for (const object of content)
    if (object.metadata.deletionTimestamp === undefined) remove(context, object, { propagationPolicy: 'Background' });
  const left = namespaced.some((resource) => !context.store.objects(resource, name).next().done);
  if (left) return;
  const { finalizers, ...spec } = fieldsAt(namespace, 'spec');
  const emptied = { ...namespace, spec: { ...spec, finalizers: [] } };
  if (context.api.isFinished(emptied)) context.store.remove(namespaces, emptied);
}

function furnish(context: ControllerContext, name: string): void {
  if (context.store.get(serviceAccounts, name, 'default') === undefined)
    createUnlessRefused(context, serviceAccounts, name, { metadata: { name: 'default' } });
  if (context.store.get(configMaps, name, 'kube-root-ca.crt') === undefined)
    createUnlessRefused(context, configMaps, name, {
      metadata: {
        name: 'kube-root-ca.crt',
        annotations: {
          'kubernetes.io/description':
            'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
        },
      },
      data: { 'ca.crt': '' },
    });
}
