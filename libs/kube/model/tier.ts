import type { ApplicationSpec, Component, Container, JsonObject } from '#domain';
import { podRequests } from './requests.js';

/** CPU and memory that pods are expected to use. */
export interface ExpectedUse {
  mcpu: number;
  memoryBytes: number;
}

const bare = (container: Container): Container => ({ ...container, requests: {}, limits: {} });

function withoutPodResources(podSpec: JsonObject): JsonObject {
  const { resources: _, ...rest } = podSpec;
  return rest;
}

/** A component as its cluster gets it: one that is best-effort asks for nothing and is held to nothing. */
export function asRun({ tier }: Pick<ApplicationSpec, 'tier'>, component: Component): Component {
  if (tier !== 'best-effort') return component;
  const { containers, initContainers, workloadExtra } = component;
  return {
    ...component,
    containers: containers.map(bare),
    initContainers: initContainers.map(bare),
    workloadExtra: { ...workloadExtra, podSpec: withoutPodResources(workloadExtra.podSpec) },
  };
}

/** What one pod of a best-effort component says it uses beyond what is reserved for it; undefined for all others. */
export function expectedUse(spec: Pick<ApplicationSpec, 'tier'>, component: Component): ExpectedUse | undefined {
  if (spec.tier !== 'best-effort') return undefined;
  const said = podRequests(component);
  const reserved = podRequests(asRun(spec, component));
  return { mcpu: said.mcpu - reserved.mcpu, memoryBytes: said.memoryBytes - reserved.memoryBytes };
}
