/** SQL, of a row of `cluster_agents`: an operator revoked its agent, and none has enrolled since. */
export const cutOff = (agent: string): string =>
  `(${agent}.revoked_at IS NOT NULL AND NOT EXISTS (
     SELECT FROM certificates x WHERE x.cluster_id = ${agent}.cluster_id AND x.revoked_at IS NULL))`;
