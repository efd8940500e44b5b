import type { Millis } from '#domain';
import { KubeError, type MemberCluster } from '#kube';

/** Who waits for the member to say who it is, waits so long. */
const patienceMs: Millis = 2_000;

/** uid of the member cluster; empty while it does not answer: the line to the hub is needed all the same. */
export async function uidOf(member: MemberCluster): Promise<string> {
  try {
    return await member.clusterUid({ timeoutMs: patienceMs });
  } catch (error) {
    if (error instanceof KubeError) return '';
    throw error;
  }
}
