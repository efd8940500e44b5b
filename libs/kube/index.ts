export {
  type ApplyOptions,
  type ConnectOptions,
  connectCluster,
  type DeleteOptions,
  type KubeClient,
  type ListPage,
  type ListQuery,
} from './client/client.js';
export { AccessUnusable, type ClusterAccess } from './client/credentials.js';
export type { Discovery, ServedKind } from './client/discovery.js';
export * from './client/errors.js';
export type { ObjectChange } from './client/kept-objects.js';
export { identityOf, type KindRef, kindKey, type ObjectIdentity } from './client/objects.js';
export { type ReflectOptions, type Reflector, reflect } from './client/reflector.js';
export { systemTiming, type Timing } from './client/timing.js';
