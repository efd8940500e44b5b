import type { Component, Container, JsonObject } from '#domain';
import { type RenderContext, renderComponent } from './render.js';

/** Builders that show only what matters to a test. */

export const aContainer = (set: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'example.org/app:1',
  command: [],
  args: [],
  env: [],
  ports: [],
  requests: {},
  limits: {},
  extra: {},
  ...set,
});
export const noExtra = { metadata: {}, spec: {}, podMetadata: {}, podSpec: {} };
export const aComponent = (set: Partial<Component> = {}): Component => ({
  name: 'web',
  kind: 'service',
  replicas: 3,
  containers: [aContainer()],
  initContainers: [],
  servicePorts: [],
  links: [],
  workloadExtra: noExtra,
  objects: [],
  ...set,
});
export const rendered = (component: Component, set: Partial<RenderContext> = {}): JsonObject[] =>
  renderComponent({
    component,
    replicas: component.replicas,
    namespace: 'berth-x1',
    tenant: 'acme',
    environment: 'test',
    application: 'shop',
    workId: 'w1',
    generation: 4n,
    ...set,
  });
