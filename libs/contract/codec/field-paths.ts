import { isJsonObject } from '#domain';

/** Fields of the model that are called otherwise on the wire, apart from being written_like_this there. */
const otherNames: Readonly<Record<string, string>> = {
  workloadExtra: 'kubernetes',
  objects: 'kubernetes.objects',
  mcpu: 'cpu',
  memoryBytes: 'memory',
};

/** Maps with keys of the caller's own: what follows them is no field's name. */
const maps: ReadonlySet<string> = new Set([
  'labels',
  'weights',
  'extra',
  'metadata',
  'podMetadata',
  'podSpec',
  'objects',
]);

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const step = (value: unknown, key: PropertyKey): unknown => {
  if (Array.isArray(value)) return typeof key === 'number' ? value[key] : undefined;
  return isJsonObject(value) ? value[String(key)] : undefined;
};

/** Where a violation of the model's schema stands in the request: `components, 2, initContainers` → `spec.components[2].init_containers`. */
export function wirePath(root: string, path: readonly PropertyKey[], value: unknown): string {
  let text = root;
  let at: unknown = value;
  let verbatim = false;
  for (const key of path) {
    at = step(at, key);
    if (typeof key === 'number') text += `[${key}]`;
    else if (key === 'check' && isJsonObject(at)) text += `.${String(at.kind)}`;
    else text += `.${verbatim ? String(key) : (otherNames[String(key)] ?? snake(String(key)))}`;
    verbatim ||= maps.has(String(key));
  }
  return text;
}
