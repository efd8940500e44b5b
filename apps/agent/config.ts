import { defineConfig, setting } from '#platform/light';

const parse = defineConfig({
  BERTH_HUB: setting.text(undefined, 'host:port of the hub (or --hub)'),
  BERTH_TOKEN: setting.optionalText(),
  BERTH_AGENT_DIRECTORY: setting.text('./berth-agent'),
  BERTH_CLUSTERS_DIRECTORY: setting.optionalText(),
  BERTH_LOG_LEVEL: setting.oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
  KUBECONFIG: setting.optionalText(),
  KUBERNETES_SERVICE_HOST: setting.optionalText(),
  KUBERNETES_SERVICE_PORT: setting.text('443'),
});

/** How the member is reached: by a kubeconfig's path, or as the pod that the agent runs in. */
export type MemberAccess = { kind: 'kubeconfig'; path: string } | { kind: 'in-cluster'; host: string; port: string };

export function agentConfigFrom(env: Readonly<Record<string, string | undefined>>) {
  const read = parse(env);
  const host = read.KUBERNETES_SERVICE_HOST;
  const access: MemberAccess | undefined =
    read.KUBECONFIG !== undefined
      ? { kind: 'kubeconfig', path: read.KUBECONFIG }
      : host === undefined
        ? undefined
        : { kind: 'in-cluster', host, port: read.KUBERNETES_SERVICE_PORT };
  return {
    hub: read.BERTH_HUB,
    token: read.BERTH_TOKEN,
    directory: read.BERTH_AGENT_DIRECTORY,
    /** Many clusters by their kubeconfigs, instead of one. */
    clusters: read.BERTH_CLUSTERS_DIRECTORY,
    logLevel: read.BERTH_LOG_LEVEL,
    access,
  };
}
