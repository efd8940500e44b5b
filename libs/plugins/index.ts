/** Plug-ins for placement from outside: packages in workers, and servers over gRPC. */

export { readPluginsFile } from './file.js';
export { type Asking, PluginHost } from './host.js';
export type { GroupView } from './question.js';
export type { PluginSettings } from './settings.js';
