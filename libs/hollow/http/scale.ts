import { fieldsAt, type KubeObject, type LabelSelector } from '../objects.js';
import { badRequest } from '../status.js';

function selectorText(selector: LabelSelector): string {
  return Object.entries(selector.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** An object's `scale` subresource, autoscaling/v1. */
export function scaleOf(object: KubeObject) {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = fieldsAt(object, 'spec');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: Number(spec.replicas ?? 0) },
    status: {
      replicas: Number(fieldsAt(object, 'status').replicas ?? 0),
      selector: selectorText(fieldsAt(spec, 'selector') as LabelSelector),
    },
  };
}

/** The object at the size that a written `Scale` asks for; a resourceVersion in it guards as in any update. */
export function scaledObject(object: KubeObject, scale: unknown): KubeObject {
  const { replicas } = fieldsAt(scale, 'spec');
  if (!Number.isInteger(replicas)) throw badRequest('spec.replicas must be an integer');
  const { resourceVersion = object.metadata.resourceVersion } = fieldsAt(scale, 'metadata');
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(resourceVersion) },
    spec: { ...fieldsAt(object, 'spec'), replicas },
  };
}
