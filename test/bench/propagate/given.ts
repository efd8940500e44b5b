import { readFile } from 'node:fs/promises';
import { kubebuilderAssets } from '../../kubernetes/assets.js';

/** What a run works on that it does not start itself. */
export interface Given {
  /** Kubeconfigs of members; empty: the bench starts three API servers. */
  kubeconfigs: readonly string[];
  /** Owner of an empty database, who may create roles; undefined: the bench starts one. */
  databaseUrl: string | undefined;
  /** Folder with etcd and kube-apiserver. */
  assets: string | undefined;
}

/** `BERTH_BENCH_MEMBERS` (paths, separated by commas or colons), `DATABASE_URL`, `KUBEBUILDER_ASSETS`. */
export async function whatIsGiven(env: Readonly<Record<string, string | undefined>> = process.env): Promise<Given> {
  const paths = (env.BERTH_BENCH_MEMBERS ?? '').split(/[,:]/).filter((path) => path !== '');
  return {
    kubeconfigs: await Promise.all(paths.map((path) => readFile(path, 'utf8'))),
    databaseUrl: env.DATABASE_URL || undefined,
    assets: kubebuilderAssets(),
  };
}
