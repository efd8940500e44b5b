import { berthLabels, isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { textsAt } from '../client/objects.js';

const labelsPath = ['spec', 'template', 'metadata', 'labels'] as const;

/** Their pods are known by who made them. The jobs of a CronJob are not watched, and new labels restart none of them. */
const controllers: ReadonlySet<JsonValue> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

/** Whether objects of this kind that were taken over keep their template, and are found to be who made their pods. */
export const keepsTemplate = (kind: JsonValue): boolean => controllers.has(kind);

/** Whether a label or annotation is Berth's own. */
export const isMark = (key: string, value: JsonValue): boolean =>
  key.startsWith('berth.dev/') || (key === berthLabels.managedBy && value === berthLabels.managedByValue);

function replaced(
  value: JsonObject,
  [key, ...deeper]: readonly string[],
  change: (labels: JsonObject) => JsonObject,
): JsonObject {
  const inner = key === undefined ? undefined : value[key];
  if (key === undefined) return change(value);
  return isJsonObject(inner) ? { ...value, [key]: replaced(inner, deeper, change) } : value;
}

/**
 * A workload as it is ordered of an object that was there before Berth: with pods of other labels it would replace those
 * that run. What its selector asks for stays.
 */
export function withoutTemplateMarks(manifest: JsonObject): JsonObject {
  if (!keepsTemplate(manifest.kind ?? null)) return manifest;
  const selected = textsAt(manifest, 'spec', 'selector', 'matchLabels');
  return replaced(manifest, labelsPath, (labels) =>
    Object.fromEntries(
      Object.entries(labels).filter(([key, value]) => Object.hasOwn(selected, key) || !isMark(key, value)),
    ),
  );
}
